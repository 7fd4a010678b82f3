//! Special functions and the distributions built on them, accurate to about 1e-12 relative where not said otherwise.

mod bessel;
mod beta;
mod gamma;
mod kolmogorov;
mod normal;

pub use bessel::cramer_von_mises_sf;
pub(crate) use bessel::cramer_von_mises_sf_as_scipy;
pub use beta::{binomial_cdf, regularized_beta, student_t_quantile, student_t_sf};
pub use gamma::{chi_square_quantile, chi_square_sf, ln_gamma, regularized_gamma_lower, regularized_gamma_upper};
pub use kolmogorov::{kolmogorov_limit_sf, kolmogorov_sf, smirnov_sf};
pub use normal::{normal_cdf, normal_quantile, normal_sf};
