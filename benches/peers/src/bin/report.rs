//! Measures everything, and writes the tables and pictures of the named page.
//! With `--only QUESTION`, it prints the table of that question. With `--check`
//! in addition, it fails if a goal is not met. With `--quick`, it takes few
//! samples. With `--draw`, it redraws the pictures of the page, and with
//! `--drawn`, it fails if they differ from the page. It starts other processes
//! with `--sample QUESTION` and `--repeat WHAT TIMES`.

use std::{env, error::Error, path::PathBuf};

use peers::{
    counts, machine,
    measure::Effort,
    pictures, processes,
    questions::{self, Question, instructions},
    section,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut page, mut only, mut sample) = (None, None, None);
    let (mut check, mut draw, mut drawn) = (false, false, false);
    let mut effort = Effort::FULL;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--check" => check = true,
            "--draw" => draw = true,
            "--drawn" => drawn = true,
            instructions::REPEAT => {
                let what = arguments.next().unwrap_or_default();
                let times = arguments.next().unwrap_or_default().parse()?;
                let done = instructions::repeat(&what, times);
                return if done {
                    Ok(())
                } else {
                    Err(format!("nothing is called {what}").into())
                };
            }
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
    if let Some(page) = page.as_ref().filter(|_| draw || drawn) {
        if draw {
            pictures::draw(page)?;
        }
        let outdated = pictures::outdated(page)?;
        return match outdated.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "not what the page says: {}; see `make pictures`",
                outdated.join(", ")
            )
            .into()),
        };
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
        let section = answer(question)?;
        let missed = section.goals.iter().filter(|goal| !goal.met).count();
        return match check && missed > 0 {
            true => Err(format!("{missed} goals are not met").into()),
            false => Ok(()),
        };
    }
    let mut sections = questions::ALL
        .iter()
        .map(answer)
        .collect::<Result<Vec<_>, _>>()?;
    sections.insert(0, section::summary(&sections));
    sections.insert(0, machine);
    if let Some(page) = page {
        section::write_into(&page, &sections)?;
        pictures::draw(&page)?;
        eprintln!("written: {}", page.display());
    }
    Ok(())
}
