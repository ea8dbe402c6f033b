//! What our programs see of the user's environment: nothing of AWS, so that no credential of theirs is ever used.

use std::env;

use tokio::process::Command;

/// Twelve digits: the emulator takes them for the account.
pub const ACCESS_KEY_ID: &str = "000000000000";
const SECRET: &str = "local";
/// The emulator answers in any region; the tools want one.
pub const REGION: &str = "us-east-1";

/// Settings of the user's that would change what our tools do. `AWS_LC_` is about building a library, not about AWS.
fn misleads(name: &str) -> bool {
    let foreign = ["AWS_", "SAM_", "EFFACE_", "CARGO_LAMBDA_", "PYTHON", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"];
    foreign.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("AWS_LC_")
}

/// Takes away what misleads.
pub fn clean(command: &mut Command) -> &mut Command {
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| misleads(name)) {
        command.env_remove(name);
    }
    command
}

/// Lets a program talk to the emulator, and to no AWS else.
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

/// What the AWS SDKs need to reach the emulator.
pub fn aws(endpoint: &str) -> [(&'static str, &str); 5] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ]
}
