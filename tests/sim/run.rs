use crate::{
    coverage::{Coverage, Fault},
    driver::Driver,
    sabotage::Saboteur,
    trace::Trace,
    verdict::Verdict,
};

/// What came of one seed.
pub struct Run {
    pub coverage: Coverage,
    pub trace_hash: u64,
}

/// Lives through one seed. The same seed always does the same.
pub fn run(seed: u64, saboteur: Saboteur, printed: bool) -> Verdict<Run> {
    let mut driver = Driver::new(seed, saboteur, Trace::new(printed));
    for _ in 0..driver.scenario.steps {
        driver.step()?;
    }
    driver.heal()?;
    driver.check_liveness()?;
    driver.end()?;
    for _ in 0..driver.oracle.old_cookies {
        driver.coverage.fault(Fault::OldCookie);
    }
    for fault in std::mem::take(&mut driver.mail.faults) {
        driver.coverage.fault(fault);
    }
    for deed in driver.oracle.deeds() {
        driver.coverage.deed(deed);
    }
    Ok(Run { coverage: driver.coverage, trace_hash: driver.trace.hash() })
}
