/// Whether the server did right; if not, what it did.
pub type Verdict<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($holds:expr, $($otherwise:tt)+) => {
        if !$holds {
            return Err(format!($($otherwise)+));
        }
    };
}
pub(crate) use ensure;
