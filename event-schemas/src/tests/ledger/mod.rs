//! The ledger against what others published, against its own definition, and against its golden files.

mod leaf;
mod note;
mod tree;
