//! Measures everything, and writes the tables of the page that is named. With `--only QUESTION` it
//! prints the table of that question; with `--quick` it takes few samples. `--sample QUESTION` is how
//! it asks other processes for theirs.

use std::{env, error::Error, path::PathBuf};

use peers::{
    counts, machine,
    measure::Effort,
    processes,
    questions::{self, Question},
    section,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut page, mut only, mut sample) = (None, None, None);
    let mut effort = Effort::FULL;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--only" => only = arguments.next(),
            processes::SAMPLE => sample = arguments.next(),
            _ => page = Some(PathBuf::from(argument)),
        }
    }
    let named = |name: &String| {
        let found = questions::ALL.iter().find(|it| it.name == name);
        found.ok_or_else(|| format!("no question is called {name}"))
    };
    if let Some(question) = sample.as_ref().map(named).transpose()? {
        processes::print(&(question.sample)(effort));
        return Ok(());
    }
    let machine = machine::section();
    let counted = counts::counted()?;
    let answer = |question: &Question| -> Result<_, Box<dyn Error>> {
        eprintln!("{} …", question.name);
        let measured = processes::sample(question, effort)?;
        let section = (question.table)(&measured, &counted);
        println!("## {}\n\n{}", question.name, section.markdown());
        Ok(section)
    };
    if let Some(question) = only.as_ref().map(named).transpose()? {
        answer(question)?;
        return Ok(());
    }
    let mut sections = questions::ALL
        .iter()
        .map(answer)
        .collect::<Result<Vec<_>, _>>()?;
    sections.insert(0, section::summary(&sections));
    sections.insert(0, machine);
    if let Some(page) = page {
        section::write_into(&page, &sections)?;
        eprintln!("written: {}", page.display());
    }
    Ok(())
}
