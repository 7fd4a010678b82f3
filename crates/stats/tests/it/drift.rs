use flyball_stats::drift::{
    KsMethod, chi_square_goodness_of_fit, contingency, contingency_corrected, decile_cuts, hellinger, histogram,
    jensen_shannon, jensen_shannon_base_2, ks_sorted, ks_two_sample, kullback_leibler, l_infinity,
    population_stability, population_stability_deciles, sorted, split_at, sturges_edges, total_variation, wasserstein,
    wasserstein_normed,
};
use serde_json::Value;

use crate::oracle::{counts, items, load, near, numbers, same, same_p};

fn numeric() -> Vec<(String, Vec<f64>, Vec<f64>, Value)> {
    let cases = load("drift");
    items(&cases["numeric"])
        .iter()
        .map(|case| {
            let name = case["name"].as_str().unwrap().to_owned();
            (name, numbers(&case["reference"]), numbers(&case["current"]), case["expected"].clone())
        })
        .collect()
}

#[test]
fn kolmogorov_smirnov_equals_scipy() {
    for (name, reference, current, expected) in numeric() {
        let scipy = &expected["scipy"];
        for (method, key) in [
            (KsMethod::Auto, "ks_pvalue_auto"),
            (KsMethod::Exact, "ks_pvalue_exact"),
            (KsMethod::Asymptotic, "ks_pvalue_asymp"),
        ] {
            let test = ks_two_sample(&reference, &current, method).unwrap();
            same(test.statistic, &scipy["ks_statistic"], &name);
            same_p(test.p_value, &scipy[key], &format!("{name} {key}"));
            assert_eq!(Some(test), ks_sorted(&sorted(&reference), &sorted(&current), method));
        }
    }
}

#[test]
fn wasserstein_equals_scipy_and_evidently() {
    for (name, reference, current, expected) in numeric() {
        same(wasserstein(&reference, &current).unwrap(), &expected["scipy"]["wasserstein"], &name);
        let normed = wasserstein_normed(&reference, &current).unwrap();
        same(normed, &expected["evidently"]["wasserstein"]["score"], &name);
    }
}

#[test]
fn deciles_and_their_stability_index_equal_the_definition() {
    for (name, reference, current, expected) in numeric() {
        let expected = &expected["psi_decile"];
        let cuts = decile_cuts(&sorted(&reference));
        for (cut, expected) in cuts.iter().zip(items(&expected["cut_points"])) {
            same(*cut, expected, &name);
        }
        assert_eq!(split_at(&cuts, &sorted(&reference)), counts(&expected["ref_counts"]), "{name}");
        assert_eq!(split_at(&cuts, &sorted(&current)), counts(&expected["cur_counts"]), "{name}");
        same(population_stability_deciles(&reference, &current).unwrap(), &expected["psi"], &name);
    }
}

#[test]
fn binned_distances_equal_evidently() {
    for (name, reference, current, expected) in numeric() {
        let (bins, evidently) = (&expected["evidently_bins"], &expected["evidently"]);
        let (reference, current) = if bins["rule"] == "value_counts" {
            let levels: Vec<f64> = {
                let mut all = sorted(&[reference.clone(), current.clone()].concat());
                all.dedup();
                all
            };
            let count = |values: &[f64]| -> Vec<u64> {
                levels.iter().map(|level| values.iter().filter(|value| *value == level).count() as u64).collect()
            };
            (count(&reference), count(&current))
        } else {
            let edges = sturges_edges(&reference, &current).unwrap();
            for (edge, expected) in edges.iter().zip(items(&bins["edges"])) {
                same(*edge, expected, &name);
            }
            let pair = (histogram(&edges, &reference), histogram(&edges, &current));
            assert_eq!(pair, (counts(&bins["ref_counts"]), counts(&bins["cur_counts"])), "{name}");
            pair
        };
        let check = |value: Option<f64>, key: &str| same(value.unwrap(), &evidently[key]["score"], &name);
        check(population_stability(&reference, &current), "psi");
        check(jensen_shannon(&reference, &current), "jensenshannon");
        check(kullback_leibler(&reference, &current), "kl_div");
    }
}

#[test]
fn count_statistics_equal_scipy_evidently_and_nannyml() {
    for case in items(&load("drift")["categorical"]) {
        let name = case["name"].as_str().unwrap();
        let (reference, current) = (counts(&case["reference_counts"]), counts(&case["current_counts"]));
        let (scipy, evidently, nannyml) =
            (&case["expected"]["scipy"], &case["expected"]["evidently"], &case["expected"]["nannyml"]);
        let check = |value: Option<f64>, key: &str| same(value.unwrap(), &scipy[key], &format!("{name} {key}"));
        check(jensen_shannon(&reference, &current), "js_distance_base_e");
        check(jensen_shannon_base_2(&reference, &current), "js_distance_base_2");
        check(jensen_shannon_base_2(&reference, &current).map(|d| d * d), "js_divergence_base_2");
        check(hellinger(&reference, &current), "hellinger");
        check(total_variation(&reference, &current), "tvd");
        check(l_infinity(&reference, &current), "l_infinity");

        let test = contingency(&reference, &current).unwrap();
        check(Some(test.statistic), "chi2_contingency_statistic");
        check(Some(test.cramers_v), "cramers_v");
        same_p(test.p_value, &scipy["chi2_contingency_p"], name);
        assert_eq!(Some(test.degrees_of_freedom as u64), scipy["chi2_contingency_dof"].as_u64());
        let test = contingency_corrected(&reference, &current).unwrap();
        check(Some(test.statistic), "chi2_contingency_yates_statistic");
        same_p(test.p_value, &scipy["chi2_contingency_yates_p"], name);
        if !nannyml.is_null() {
            same_p(test.p_value, &nannyml["chi2_p"], name);
        }

        let test = chi_square_goodness_of_fit(&reference, &current).unwrap();
        if let Some(expected) = scipy.get("chisquare_gof_statistic") {
            same(test.statistic, expected, name);
            same_p(test.p_value, &scipy["chisquare_gof_p"], name);
        } else {
            assert_eq!((test.statistic, test.p_value), (f64::INFINITY, 0.0));
        }

        near(
            population_stability(&reference, &current).unwrap(),
            evidently["psi"]["score"].as_f64().unwrap(),
            1e-9,
            name,
        );
        same(kullback_leibler(&reference, &current).unwrap(), &evidently["kl_div"]["score"], name);
    }
}
