//! Measures everything, and writes the tables of the page that is named. With `--only QUESTION` it
//! prints the table of that question; with `--quick` it takes few samples.

use std::{env, error::Error, path::PathBuf};

use peers::{counts, machine, measure::Effort, questions, section};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut page, mut only, mut effort) = (None, None, Effort::FULL);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--only" => only = arguments.next(),
            _ => page = Some(PathBuf::from(argument)),
        }
    }
    let machine = machine::section();
    let counted = counts::counted()?;
    let mut sections = vec![];
    for question in questions::ALL {
        if only.as_ref().is_some_and(|only| only != question.name) {
            continue;
        }
        eprintln!("{} …", question.name);
        let section = (question.times)(effort, &counted);
        println!("## {}\n\n{}", question.name, section.markdown());
        sections.push(section);
    }
    if let (Some(page), None) = (page, only) {
        sections.insert(0, section::summary(&sections));
        sections.insert(0, machine);
        section::write_into(&page, &sections)?;
        eprintln!("written: {}", page.display());
    }
    Ok(())
}
