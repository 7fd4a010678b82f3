//! A project from `init` to an explained prediction.
