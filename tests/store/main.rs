//! The file that outlives a server: what was committed is there, whatever happened to
//! the file since, or it is refused with what to do.

mod changes;
mod damage;
#[path = "../sim/dice.rs"]
mod dice;
mod folder;
mod keeping;
mod refusals;
