//! Runs the worked examples of `docs/matching.md` and `docs/matching/` as they stand there, and holds the
//! table of rejects against the words of the core.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::teller::Teller;
use outcry_book::RejectReason;

/// Every page that says how orders match.
fn pages() -> Vec<PathBuf> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let parts = fs::read_dir(docs.join("matching")).unwrap();
    let mut pages: Vec<PathBuf> = parts.map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages.insert(0, docs.join("matching.md"));
    pages
}

/// One example: the rules that it holds under, and its lines, each with its place.
struct Example {
    rules: &'static [u32],
    lines: Vec<(String, String)>,
}

fn examples(page: &Path) -> Vec<Example> {
    let text = fs::read_to_string(page).unwrap();
    let name = page.file_name().unwrap().to_string_lossy();
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let rules: Option<&[u32]> = match line {
            "```example" => Some(&[1, 2]),
            "```example 1" => Some(&[1]),
            "```example 2" => Some(&[2]),
            _ => None,
        };
        if let Some(rules) = rules {
            inside = true;
            let lines = Vec::new();
            examples.push(Example { rules, lines });
        } else if line == "```" {
            inside = false;
        } else if inside {
            let place = format!("{name} line {number}");
            let lines = &mut examples.last_mut().unwrap().lines;
            lines.push((place, line.to_owned()));
        }
    }
    examples
}

fn run(example: &Example, rules: u32) {
    let mut teller = Teller::new(rules);
    let mut told: Vec<String> = Vec::new();
    for (place, line) in &example.lines {
        if let Some(words) = line.strip_prefix("> ") {
            assert!(
                told.is_empty(),
                "before {place}, rules {rules}: the book also says {told:?}"
            );
            told = teller.tell(words);
        } else if let Some(shown) = line.strip_prefix('=') {
            let book = teller.shown();
            assert_eq!(
                without_spaces(shown),
                without_spaces(&book),
                "{place}, rules {rules}"
            );
        } else {
            assert!(
                !told.is_empty(),
                "{place}, rules {rules}: the book says nothing of {line:?}"
            );
            assert_eq!(&told.remove(0), line, "{place}, rules {rules}");
        }
    }
    let (place, _) = example.lines.last().unwrap();
    assert!(
        told.is_empty(),
        "behind {place}, rules {rules}: the book also says {told:?}"
    );
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_example_says_what_the_book_does() {
    for page in pages() {
        let examples = examples(&page);
        for example in &examples {
            for &rules in example.rules {
                run(example, rules);
            }
        }
    }
}

/// `NoSettings` → `NO_SETTINGS`.
fn in_capitals(word: &str) -> String {
    let mut out = String::new();
    for letter in word.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn the_table_of_rejects_has_every_reason_once() {
    let texts: Vec<String> = pages()
        .iter()
        .map(|page| fs::read_to_string(page).unwrap())
        .collect();
    let text = texts.join("\n");
    for reason in RejectReason::ALL {
        let row = format!(
            "| {} | `{}` |",
            reason.as_i32(),
            in_capitals(&format!("{reason:?}"))
        );
        assert_eq!(
            text.lines().filter(|line| line.starts_with(&row)).count(),
            1,
            "{row}"
        );
    }
}

#[test]
fn the_pages_have_an_example_of_every_idea() {
    let all: usize = pages().iter().map(|page| examples(page).len()).sum();
    assert!(all > 60, "{all} examples");
}
