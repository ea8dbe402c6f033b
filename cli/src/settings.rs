//! The settings of a run. The command line takes precedence over the settings file, and the file over the environment.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use efface_aws::config::{ConfigError, Lookup};
use efface_core::{
    key::{BadMasterKey, MasterKey},
    log::{BadLogKey, LogKey},
    space::SpaceError,
    token::Token,
};
use thiserror::Error;

use crate::{
    global::Global,
    local::{self, LocalSiteError},
};

/// A setting is missing or wrong. Nothing was done.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A setting that has no default is missing.
    #[error("no {what}: {how}")]
    Missing {
        /// The name of the setting.
        what: &'static str,
        /// How the user can give it.
        how: &'static str,
    },
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The path, as it was given.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line of the settings file is not valid.
    #[error("{}:{line}: a line must be KEY=VALUE", path.display())]
    Line {
        /// The path, as it was given.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
    /// `--local`, but there is not exactly one that it can mean.
    #[error(transparent)]
    Local(#[from] LocalSiteError),
    /// An option that cannot be combined with `--local`.
    #[error("--local cannot be combined with {0}: it takes all settings from `cargo local`")]
    LocalConflict(&'static str),
    /// The identifier key is not valid.
    #[error(transparent)]
    Key(#[from] BadMasterKey),
    /// The log key is not valid.
    #[error(transparent)]
    LogKey(#[from] BadLogKey),
    /// The two keys are the same. The message does not show them.
    #[error(transparent)]
    SameKeys(#[from] ConfigError),
    /// The token is not valid. The message does not show it.
    #[error("{0} does not contain a complete access token, which begins with `eff_`")]
    Token(&'static str),
    /// The API's URL is not valid.
    #[error("the API's URL: {0}")]
    ApiUrl(&'static str),
    /// The URL of a log is not valid.
    #[error("--url: {0}")]
    LogUrl(&'static str),
    /// `EFFACE_SPACE` is not a valid space id.
    #[error("EFFACE_SPACE: {0}")]
    Space(SpaceError),
}

/// The settings of a run.
pub(crate) struct Settings<'a> {
    pub(crate) global: &'a Global,
    file: BTreeMap<String, String>,
    env: Lookup<'a>,
}

impl<'a> Settings<'a> {
    /// Reads the settings file, if one was given.
    pub(crate) fn read(global: &'a Global, env: Lookup<'a>) -> Result<Self, SettingError> {
        let conflicts = [("--env-file", global.env_file.is_some()), ("--profile", global.profile.is_some())];
        if let Some((option, _)) = conflicts.into_iter().find(|(_, given)| global.local.is_some() && *given) {
            return Err(SettingError::LocalConflict(option));
        }
        let path = match global.local {
            Some(port) => Some(local::settings_file(port, env)?),
            None => global.env_file.clone(),
        };
        let file = path.map(|path| parse(&path, &read_file(&path)?)).transpose()?.unwrap_or_default();
        Ok(Self { global, file, env })
    }

    /// A setting from the file. An empty value counts as missing.
    pub(crate) fn in_file(&self, name: &str) -> Option<String> {
        self.file.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A setting from the file or the environment.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        self.in_file(name).or_else(|| (self.env)(name))
    }

    pub(crate) fn table(&self) -> Result<String, SettingError> {
        self.global.table.clone().or_else(|| self.find("EFFACE_TABLE")).ok_or(SettingError::Missing {
            what: "table",
            how: "give --table, or set EFFACE_TABLE; with `cargo local` give --local",
        })
    }

    /// Whether an identifier key is given.
    pub(crate) fn has_identifier_key(&self) -> bool {
        self.global.identifier_key_file.is_some() || self.find("EFFACE_IDENTIFIER_KEY").is_some()
    }

    pub(crate) fn identifier_key(&self) -> Result<MasterKey, SettingError> {
        let text = match &self.global.identifier_key_file {
            Some(path) => read_file(path)?,
            None => self.find("EFFACE_IDENTIFIER_KEY").ok_or(SettingError::Missing {
                what: "identifier key",
                how: "set EFFACE_IDENTIFIER_KEY, or give --identifier-key-file; with `cargo local` give --local",
            })?,
        };
        Ok(MasterKey::from_base64(&text)?)
    }

    pub(crate) fn log_key(&self) -> Result<LogKey, SettingError> {
        let text = match &self.global.log_key_file {
            Some(path) => read_file(path)?,
            None => self.find("EFFACE_LOG_KEY").ok_or(SettingError::Missing {
                what: "log key",
                how: "set EFFACE_LOG_KEY, or give --log-key-file; with `cargo local` give --local",
            })?,
        };
        Ok(LogKey::from_base64(&text)?)
    }

    /// The log key, where one is given.
    pub(crate) fn optional_log_key(&self) -> Result<Option<LogKey>, SettingError> {
        match self.log_key() {
            Err(SettingError::Missing { .. }) => Ok(None),
            key => key.map(Some),
        }
    }

    pub(crate) fn token(&self, file: Option<&Path>) -> Result<Token, SettingError> {
        let how = "set EFFACE_TOKEN, or give --token-file";
        let (text, origin) = match (file, self.find("EFFACE_TOKEN")) {
            (Some(path), _) => (read_file(path)?, "the token file"),
            (None, Some(text)) => (text, "EFFACE_TOKEN"),
            (None, None) => return Err(SettingError::Missing { what: "access token", how }),
        };
        Token::parse(text.trim()).ok_or(SettingError::Token(origin))
    }
}

fn read_file(path: &Path) -> Result<String, SettingError> {
    fs::read_to_string(path).map_err(|source| SettingError::File { path: path.to_owned(), source })
}

/// Parses KEY=VALUE lines. Values are taken literally: quotes and variables have no meaning.
fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, String>, SettingError> {
    let lines = text.lines().map(str::trim).zip(1..);
    lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| match line.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(SettingError::Line { path: path.to_owned(), line: number }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_line_by_line() {
        let path = Path::new("env");
        let read = parse(path, "# made by cargo local\n\nEFFACE_TABLE=t\r\nEFFACE_IDENTIFIER_KEY=AA==\n").unwrap();
        assert_eq!(read["EFFACE_IDENTIFIER_KEY"], "AA==");
        assert_eq!(parse(path, "A=1\nsecret").unwrap_err().to_string(), "env:2: a line must be KEY=VALUE");
    }

    #[test]
    fn the_command_line_precedes_the_file_and_the_file_the_environment() {
        let env = |name: &str| (name == "EFFACE_TABLE").then(|| "environment".to_owned());
        let mut global = Global::default();
        assert_eq!(Settings::read(&global, &env).unwrap().table().unwrap(), "environment");
        let file = [("EFFACE_TABLE".to_owned(), "file".to_owned())].into();
        assert_eq!(Settings { global: &global, file, env: &env }.table().unwrap(), "file");
        global.table = Some("line".to_owned());
        let file = [("EFFACE_TABLE".to_owned(), "file".to_owned())].into();
        assert_eq!(Settings { global: &global, file, env: &env }.table().unwrap(), "line");
    }

    #[test]
    fn a_missing_setting_is_named_and_a_secret_is_not_shown() {
        let global = Global::default();
        let env = |name: &str| name.starts_with("EFFACE_").then(|| "s3cret".to_owned());
        let settings = Settings::read(&global, &env).unwrap();
        assert!(!settings.token(None).unwrap_err().to_string().contains("s3cret"));
        assert!(!settings.identifier_key().unwrap_err().to_string().contains("s3cret"));
        assert!(!settings.log_key().unwrap_err().to_string().contains("s3cret"));
        let settings = Settings::read(&global, &|_| None).unwrap();
        assert!(settings.table().unwrap_err().to_string().contains("EFFACE_TABLE"));
        assert!(settings.log_key().unwrap_err().to_string().contains("EFFACE_LOG_KEY"));
    }
}
