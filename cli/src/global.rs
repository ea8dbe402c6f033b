//! The options that all commands have. Commands that use no table do not accept those of the table (see `help`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of every command.
#[derive(Args, Default)]
#[command(next_help_heading = "Settings")]
pub struct Global {
    /// Take all settings from the running `cargo local`; if several run, from the one on this port
    #[arg(long, global = true, value_name = "PORT", require_equals = true)]
    pub local: Option<Option<u16>>,
    /// Read settings from a file of KEY=VALUE lines; they take precedence over the environment
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// The DynamoDB table [env: EFFACE_TABLE]
    #[arg(long, global = true, value_name = "NAME")]
    pub table: Option<String>,
    /// A file that contains the identifier key, 32 bytes in base64 [env: EFFACE_IDENTIFIER_KEY contains the key itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub identifier_key_file: Option<PathBuf>,
    /// A file that contains the log key, 32 bytes in base64 [env: EFFACE_LOG_KEY contains the key itself]
    #[arg(long, global = true, value_name = "FILE")]
    pub log_key_file: Option<PathBuf>,
    /// The AWS region [env: AWS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The URL of DynamoDB, if it is not the region's own [env: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The AWS profile to take credentials from [env: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print one JSON document to stdout, also for an error
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Show no progress on stderr. Questions, and what they are about, are still shown
    #[arg(short, long, global = true, help_heading = "Output", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show on stderr which settings are used, and each request to the API with its status and time
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// When to use colour: `always`, `never`, or `auto`: on a terminal, unless the environment has NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help_heading = "Output")]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment has `NO_COLOR`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
