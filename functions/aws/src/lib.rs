//! efface-aws
