//! One walk over two ordered samples, from which everything that depends on the order of values follows.

/// What is known of a pair of samples when both were walked through in rising order of their values.
///
/// Values are met in groups of equal ones: distinct numbers of raw samples, bins of histograms. Ties stand at the middle
/// of their ranks.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    rows: [f64; 2],
    seen: [f64; 2],
    at: Option<f64>,
    largest: f64,
    area: f64,
    squares: f64,
    rank_squares: f64,
    spread_squares: f64,
    anderson: f64,
    below: f64,
    ties: f64,
    groups: usize,
}

impl Walk {
    /// Begins with how many rows each side has.
    pub(crate) fn new(reference: usize, current: usize) -> Self {
        Self {
            rows: [reference as f64, current as f64],
            seen: [0.0; 2],
            at: None,
            largest: 0.0,
            area: 0.0,
            squares: 0.0,
            rank_squares: 0.0,
            spread_squares: 0.0,
            anderson: 0.0,
            below: 0.0,
            ties: 0.0,
            groups: 0,
        }
    }

    /// Meets the next greater value, with the rows of each side that have it.
    #[inline]
    pub(crate) fn meet(&mut self, value: f64, reference: u64, current: u64) {
        let [n, m] = self.rows;
        let [i, j] = self.seen;
        if let Some(before) = self.at {
            let apart = (i * m - j * n).abs();
            // Where both are equal, an infinite gap must not count either.
            if apart > 0.0 {
                self.area += (value - before) * apart;
                self.squares += (value - before) * apart * apart;
            }
        }
        self.at = Some(value);
        let (a, b) = (reference as f64, current as f64);
        let tied = a + b;
        // The middle rank of the group, against the ranks 1, 2, … that its rows have within their own side.
        let rank = i + j + (tied + 1.0) / 2.0;
        self.rank_squares += n * rank_distance(rank - i, a) + m * rank_distance(rank - j, b);
        self.below += b * (i + a / 2.0);
        if tied > 1.0 {
            self.ties += tied * tied * tied - tied;
        }
        let rows = n + m;
        let met = i + j + tied / 2.0;
        let spread = met * (rows - met) - rows * tied / 4.0;
        if spread > 0.0 {
            let difference = rows * (i + a / 2.0) - met * n;
            self.anderson += tied * difference * difference / spread;
        }
        self.seen = [i + a, j + b];
        self.groups += 1;
        let (apart, then) = (i * m - j * n, (i + a) * m - (j + b) * n);
        self.spread_squares += tied * (apart * apart + apart * then + then * then) / 3.0;
        self.largest = self.largest.max(then.abs());
    }

    /// Walks through two ascending samples of finite values.
    pub(crate) fn through(reference: &[f64], current: &[f64]) -> Self {
        let mut walk = Self::new(reference.len(), current.len());
        let (mut i, mut j) = (0, 0);
        while i < reference.len() || j < current.len() {
            let left = reference.get(i).copied().unwrap_or(f64::INFINITY);
            let right = current.get(j).copied().unwrap_or(f64::INFINITY);
            let value = left.min(right);
            let (first, second) = (i, j);
            while i < reference.len() && reference[i] <= value {
                i += 1;
            }
            while j < current.len() && current[j] <= value {
                j += 1;
            }
            walk.meet(value, (i - first) as u64, (j - second) as u64);
        }
        walk
    }

    /// The largest distance of both distribution functions times the rows of both sides: a whole number.
    pub(crate) fn largest_distance(&self) -> f64 {
        self.largest
    }

    /// The area between both distribution functions.
    pub(crate) fn area(&self) -> f64 {
        self.area / (self.rows[0] * self.rows[1])
    }

    /// The integral of the squared difference of both distribution functions.
    pub(crate) fn squared_area(&self) -> f64 {
        self.squares / (self.rows[0] * self.rows[1]).powi(2)
    }

    /// Cramér and von Mises' T of two samples (Anderson 1962, equation 9).
    pub(crate) fn cramer_von_mises(&self) -> f64 {
        let [n, m] = self.rows;
        let (product, rows) = (n * m, n + m);
        self.rank_squares / (product * rows) - (4.0 * product - 1.0) / (6.0 * rows)
    }

    /// The same as if the rows of a group lay evenly up to the next: for bins, whose ties are none.
    pub(crate) fn spread_cramer_von_mises(&self) -> f64 {
        let [n, m] = self.rows;
        let rows = n + m;
        self.spread_squares / (n * m * rows * rows)
    }

    /// Σ of squared differences between the ranks among all rows and within the side, each side's times its rows.
    pub(crate) fn rank_squares(&self) -> f64 {
        self.rank_squares
    }

    /// Anderson and Darling's A² of two samples with ties at their middle (Scholz & Stephens 1987, equation 7).
    pub(crate) fn anderson_darling(&self) -> f64 {
        let [n, m] = self.rows;
        let rows = n + m;
        self.anderson / rows * (rows - 1.0) / rows * (1.0 / n + 1.0 / m)
    }

    /// Over all pairs of rows, how often the reference's is smaller, ties counting half.
    pub(crate) fn pairs_below(&self) -> f64 {
        self.below
    }

    /// Σ (t³ − t) over the groups of t tied rows.
    pub(crate) fn ties(&self) -> f64 {
        self.ties
    }

    /// How many different values there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }
}

/// Σ (distance − k)² for k = 1 … rows.
fn rank_distance(distance: f64, rows: f64) -> f64 {
    rows * (distance * distance - distance * (rows + 1.0) + (rows + 1.0) * (2.0 * rows + 1.0) / 6.0)
}
