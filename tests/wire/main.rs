//! The wire format as others see it: the golden vectors, the frame reader, what
//! the server makes of a message and what it says, and bytes that mean harm.
#![cfg(feature = "cli")] // It brings the JSON mapping that the vectors are in.

mod announcements;
mod attacker;
mod foreign;
mod frames;
mod games;
mod golden;
mod hostile;
mod inbound;
mod leases;
mod memory;
mod messages;
mod numbers;
mod outbound;
mod secrets;
mod vectors;
