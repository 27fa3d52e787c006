//! Runs the worked examples of `docs/matching.md` as they stand there, and holds its table of rejects
//! against the words of the core.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{Market, limit, limit_maker, market, settings, short, with_life};
use outcry_book::{
    Body, CancelOrder, Command, NewOrder, Outcome, PairSettings, RejectReason, Side, Tick,
    TimeInForce, TradingStatus,
};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/matching.md");
    fs::read_to_string(path).unwrap()
}

/// The lines of every example, each with its number in the page.
fn examples(page: &str) -> Vec<Vec<(usize, &str)>> {
    let mut examples = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(page.lines()) {
        match line {
            "```example" => {
                inside = true;
                examples.push(Vec::new());
            }
            "```" => inside = false,
            _ if inside => examples.last_mut().unwrap().push((number, line)),
            _ => {}
        }
    }
    examples
}

/// Carries out the commands of one example, told in the page's words.
struct Teller {
    market: Market,
    settings: PairSettings,
    last: Option<Body>,
}

impl Teller {
    fn new() -> Self {
        Self {
            market: Market::open(),
            settings: settings(),
            last: None,
        }
    }

    fn tell(&mut self, words: &str) -> Vec<String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        match words.as_slice() {
            ["a", "new", "pair"] => {
                self.market = Market::default();
                vec![]
            }
            ["again"] => self.again(),
            ["status", status] => {
                let found = TradingStatus::ALL
                    .iter()
                    .find(|word| format!("{word:?}") == *status);
                self.settings.trading_status = found.unwrap().as_i32();
                self.change()
            }
            ["band", lower, upper] => {
                (
                    self.settings.price_band_lower,
                    self.settings.price_band_upper,
                ) = (lower.parse().unwrap(), upper.parse().unwrap());
                self.change()
            }
            ["min-notional", least] => {
                self.settings.min_notional = least.parse().unwrap();
                self.change()
            }
            ["rules", version] => {
                self.settings.rules_version = version.parse().unwrap();
                self.change()
            }
            ["tick", time] => self.apply(Body::Tick(Tick {
                time_unix_nanos: time.parse().unwrap(),
            })),
            ["cancel", id, by @ ..] => {
                let order_id: u64 = id.parse().unwrap();
                let user_id = user(by).unwrap_or(order_id * 10);
                self.apply(Body::CancelOrder(CancelOrder { order_id, user_id }))
            }
            [side @ ("buy" | "sell"), id, quantity, rest @ ..] => {
                let side = if *side == "buy" {
                    Side::Buy
                } else {
                    Side::Sell
                };
                let id = id.strip_suffix(':').unwrap().parse().unwrap();
                self.apply(Body::NewOrder(order(
                    side,
                    id,
                    quantity.parse().unwrap(),
                    rest,
                )))
            }
            _ => panic!("no words of a command: {words:?}"),
        }
    }

    fn apply(&mut self, body: Body) -> Vec<String> {
        self.last = Some(body);
        self.market.apply(body).iter().map(short).collect()
    }

    /// Settings that the core refuses are not what the next ones start from.
    fn change(&mut self) -> Vec<String> {
        let told = self.apply(Body::PairSettings(self.settings));
        if told[0].starts_with("settings rejected") {
            self.settings = settings();
        }
        told
    }

    /// The last command once more, under its old number.
    fn again(&mut self) -> Vec<String> {
        let command = Command {
            source: 2048,
            incarnation: 1,
            number: self.market.events.last().unwrap().number,
            time_unix_nanos: 0,
            body: self.last.unwrap(),
        };
        let outcome = self.market.book.apply(&command, &mut self.market.events);
        assert_eq!(outcome, Outcome::Repeated);
        vec![]
    }
}

fn order(side: Side, id: u64, quantity: i64, rest: &[&str]) -> NewOrder {
    let order = match rest {
        ["market", ..] => market(id, side, quantity),
        ["at", price, "maker", ..] => limit_maker(id, side, price.parse().unwrap(), quantity),
        ["at", price, life @ ("ioc" | "fok"), ..] => {
            let life = if *life == "ioc" {
                TimeInForce::Ioc
            } else {
                TimeInForce::Fok
            };
            with_life(life, limit(id, side, price.parse().unwrap(), quantity))
        }
        ["at", price, ..] => limit(id, side, price.parse().unwrap(), quantity),
        _ => panic!("no order: {rest:?}"),
    };
    let by = rest.iter().position(|word| *word == "by");
    NewOrder {
        user_id: by.and_then(|at| user(&rest[at..])).unwrap_or(order.user_id),
        ..order
    }
}

fn user(by: &[&str]) -> Option<u64> {
    match by {
        ["by", user] => Some(user.parse().unwrap()),
        _ => None,
    }
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_example_says_what_the_book_does() {
    let page = page();
    let examples = examples(&page);
    assert!(examples.len() > 20, "{} examples", examples.len());
    for example in examples {
        let mut teller = Teller::new();
        let mut told: Vec<String> = Vec::new();
        for (number, line) in example {
            if let Some(words) = line.strip_prefix("> ") {
                assert!(
                    told.is_empty(),
                    "before line {number}: the book also says {told:?}"
                );
                told = teller.tell(words);
            } else if let Some(shown) = line.strip_prefix('=') {
                let book = teller.market.shown();
                assert_eq!(
                    without_spaces(shown),
                    without_spaces(&book),
                    "line {number}"
                );
            } else {
                assert!(
                    !told.is_empty(),
                    "line {number}: the book says nothing of {line:?}"
                );
                assert_eq!(told.remove(0), line, "line {number}");
            }
        }
        assert!(
            told.is_empty(),
            "behind an example: the book also says {told:?}"
        );
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
    let page = page();
    for reason in RejectReason::ALL {
        let row = format!(
            "| {} | `{}` |",
            reason.as_i32(),
            in_capitals(&format!("{reason:?}"))
        );
        assert_eq!(
            page.lines().filter(|line| line.starts_with(&row)).count(),
            1,
            "{row}"
        );
    }
}
