//! Prints the counts. With `--check`, it fails if a number differs from its
//! goal.

use std::process::ExitCode;

use peers::{counts::Allocated, questions};

fn meter(run: &mut dyn FnMut()) -> Allocated {
    let counted = allocation_counter::measure(run);
    Allocated {
        times: counted.count_total,
        peak: counted.bytes_max,
        kept: counted.bytes_current,
    }
}

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let (mut passed, mut failed) = (0, 0);
    for question in questions::ALL {
        for count in (question.counts)(meter) {
            println!("{}\t{}\t{:?}", count.what, count.value, count.expected);
            match count.is_as_expected() {
                true => passed += 1,
                false => {
                    failed += 1;
                    eprintln!(
                        "{} is {}, and has to be {:?}",
                        count.what, count.value, count.expected
                    );
                }
            }
        }
    }
    eprintln!("counts: {passed} as expected, {failed} not");
    match check && failed > 0 {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
