//! efface-api
