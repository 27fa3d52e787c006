//! Prints a feed's updates: `cargo run -p outcry-feed --example view -- 127.0.0.1:7072 239.1.1.1:30000 [LINE]`.

use std::time::Duration;

use outcry_feed::{Client, ClientSettings, Update};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let recovery = arguments.next().ok_or("usage: view RECOVERY LINE [LINE]")?;
    let lines = arguments
        .map(|line| line.parse())
        .collect::<Result<Vec<_>, _>>()?;
    let mut client = Client::connect(ClientSettings::new(lines, vec![recovery]))?;
    loop {
        match client.next(Duration::from_secs(1))? {
            Some(Update::Event { arrival, messages }) => {
                for message in messages {
                    println!("{} {message:?}", arrival.sequence);
                }
            }
            Some(Update::Snapshot { sequence }) => {
                println!("{sequence} {} orders", client.book().len());
            }
            Some(Update::Ended) => return Ok(()),
            None => {}
        }
    }
}
