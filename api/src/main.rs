//! The binary `clinic-booking`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    booking_api::cli::main()
}
