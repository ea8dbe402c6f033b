//! A version of the functions that is deployed only to be replaced by another one: built without optimisations, which
//! takes a minute where `sam build` takes many.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::{
    error::{Context, LocalError},
    function::{self, FUNCTIONS},
    workspace::Workspace,
};

/// Builds the functions of a checkout, copies them to `folder`, and returns the path of its template, which names the
/// copies.
pub async fn package(checkout: &Workspace, folder: &Path) -> Result<PathBuf, LocalError> {
    fs::create_dir_all(folder).context(format!("making {}", folder.display()))?;
    function::build(checkout, false, &folder.join("build.log")).await?;
    let template = checkout.root.join("infra/template.yaml");
    let text = fs::read_to_string(&template).context(format!("reading {}", template.display()))?;
    for name in function::of(checkout) {
        copy_program(&function::built(checkout, false, name), &folder.join(name)).await?;
    }
    let template = folder.join("template.yaml");
    fs::write(&template, with_programs(&text)).context(format!("writing {}", template.display()))?;
    Ok(template)
}

/// Copies a program to where Lambda looks for it: where that can be done, without what only debuggers need, which is
/// most of it and takes a minute to be sent.
async fn copy_program(program: &Path, folder: &Path) -> Result<(), LocalError> {
    fs::create_dir_all(folder).context(format!("making {}", folder.display()))?;
    let copy = folder.join("bootstrap");
    let strip = Command::new("strip").arg("-o").arg(&copy).arg(program).status().await;
    if strip.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    fs::copy(program, copy).context(format!("copying {}", program.display())).map(drop)
}

/// The template with the folders of programs in place of those of sources.
fn with_programs(template: &str) -> String {
    let role = |name: &'static str| name.trim_start_matches("efface-");
    FUNCTIONS.iter().fold(template.to_owned(), |text, name| {
        text.replace(&format!("CodeUri: ../functions/{}\n", role(name)), &format!("CodeUri: {name}\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_names_programs_in_place_of_sources() {
        let template = include_str!("../../template.yaml");
        let packaged = with_programs(template);
        for name in FUNCTIONS {
            assert_eq!(packaged.matches(&format!("CodeUri: {name}\n")).count(), 1, "{name}");
        }
        assert!(!packaged.contains("CodeUri: ../"));
    }
}
