//! Which resting order the next cancel, reduce or move is about.

use std::collections::VecDeque;

use crate::java_random::JavaRandom;

/// exchange-core's generator picks among this many.
const OLDEST: usize = 512;
const NOWHERE: u32 = u32::MAX;

/// How victims are picked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Uniformly among the 512 oldest, as exchange-core's generator does.
    Oldest,
    /// Uniformly among all.
    Uniform,
}

/// The orders that rest, with their users.
pub struct Victims {
    pick: Pick,
    /// Uniform: all of them. Oldest: the first [`OLDEST`], oldest first.
    drawn_from: Vec<u32>,
    /// Oldest: the younger ones, oldest first, and some that are gone.
    younger: VecDeque<u32>,
    /// By id: the owner; 0 when it doesn't rest.
    users: Vec<u32>,
    /// Uniform, by id: where it stands in `drawn_from`.
    places: Vec<u32>,
}

impl Victims {
    pub fn new(pick: Pick) -> Self {
        Self {
            pick,
            drawn_from: Vec::new(),
            younger: VecDeque::new(),
            users: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Adds the youngest order.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the workload has fewer than 2^32 orders"
    )]
    pub fn add(&mut self, id: u32, user: u32) {
        let needed = id as usize + 1;
        if self.users.len() < needed {
            self.users.resize(needed, 0);
            self.places.resize(needed, NOWHERE);
        }
        self.users[id as usize] = user;
        if self.pick == Pick::Oldest && self.drawn_from.len() >= OLDEST {
            self.younger.push_back(id);
        } else {
            self.places[id as usize] = self.drawn_from.len() as u32;
            self.drawn_from.push(id);
        }
    }

    /// Takes an order out, if it is there.
    pub fn remove(&mut self, id: u32) {
        let Some(user) = self.users.get_mut(id as usize).filter(|user| **user != 0) else {
            return;
        };
        *user = 0;
        match self.pick {
            Pick::Uniform => {
                let place = self.places[id as usize];
                self.drawn_from.swap_remove(place as usize);
                if let Some(&moved) = self.drawn_from.get(place as usize) {
                    self.places[moved as usize] = place;
                }
            }
            Pick::Oldest => {
                let place = self.drawn_from.iter().position(|&oldest| oldest == id);
                if let Some(place) = place {
                    self.drawn_from.remove(place);
                    let users = &self.users;
                    let next = std::iter::from_fn(|| self.younger.pop_front())
                        .find(|&id| users[id as usize] != 0);
                    self.drawn_from.extend(next);
                }
            }
        }
    }

    /// Draws one: its id and its user.
    pub fn draw(&self, random: &mut JavaRandom) -> Option<(u32, u32)> {
        let count = i32::try_from(self.drawn_from.len())
            .ok()
            .filter(|&c| c > 0)?;
        let at = usize::try_from(random.int(count)).unwrap_or(0);
        let id = self.drawn_from[at];
        Some((id, self.users[id as usize]))
    }
}
