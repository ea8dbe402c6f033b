//! The environment of the started programs. It has none of the user's AWS settings, so that the user's credentials are
//! never used.

use std::env;

use tokio::process::Command;

/// The emulator takes a key of twelve digits as the account id.
pub const ACCESS_KEY_ID: &str = "000000000000";
const SECRET: &str = "local";
/// The emulator accepts any region, but the tools need one.
pub const REGION: &str = "us-east-1";

/// Whether a variable of the user would change what the tools do. `AWS_LC_` belongs to the build of a library.
fn is_foreign_setting(name: &str) -> bool {
    let prefixes = ["AWS_", "SAM_", "EFFACE_", "CARGO_LAMBDA_", "PYTHON", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("AWS_LC_")
}

/// Removes the user's settings for AWS, SAM, Python and Efface from a command's environment.
pub fn clean(command: &mut Command) -> &mut Command {
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| is_foreign_setting(name)) {
        command.env_remove(name);
    }
    command
}

/// Makes a command use the emulator and never the real AWS.
pub fn local_aws<'a>(command: &'a mut Command, endpoint: &str) -> &'a mut Command {
    clean(command).envs(aws(endpoint)).envs([
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("SAM_CLI_TELEMETRY", "0"),
        ("SAM_CLI_POLL_DELAY", "0.1"),
        ("NO_PROXY", "127.0.0.1,localhost"),
        ("no_proxy", "127.0.0.1,localhost"),
    ])
}

/// The variables with which AWS SDKs use the emulator.
pub fn aws(endpoint: &str) -> [(&'static str, &str); 5] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ]
}
