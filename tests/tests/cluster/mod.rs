//! The log on a cluster: two nodes of ours on one log, servers that lose answers, die and come back, and what a data
//! directory remembers of its log.

mod directory;
mod faults;
