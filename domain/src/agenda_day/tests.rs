//! Histories of a day, told as given, when, then.
