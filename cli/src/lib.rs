//! efface-cli
