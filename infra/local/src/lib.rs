//! efface-local
