//! What a request has been told so far, for what needs no more of it.

use crate::demand::{Answer, Answers, Demand};
use crate::failure::Halt;
use crate::state::State;

/// The state, and the answers of the request.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) state: &'a State,
    pub(crate) answers: &'a Answers,
}

impl<'a> Ask<'a> {
    /// The answer to a demand, if it has one yet.
    pub(crate) fn answer(self, demand: Demand) -> Result<&'a Answer, Halt> {
        match self.answers.get(&demand) {
            Some(answer) => Ok(answer),
            None => Err(Halt::Need(vec![demand])),
        }
    }
}
