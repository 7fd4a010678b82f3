//! Formulas of fixtures, as Python writes them: numbers, x0, x1, …, + - * / **, brackets, and functions of one value.

/// The value of a formula at `x`; `None` if it is not understood.
pub(super) fn evaluate(formula: &str, x: &[f64]) -> Option<f64> {
    let mut reader = Reader { rest: formula.trim_start(), x };
    let value = reader.sum()?;
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    x: &'a [f64],
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => self.rest = rest.trim_start(),
            None => return false,
        }
        true
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value += self.product()?;
            } else if self.take("-") {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.signed()?;
        loop {
            if self.take("*") {
                value *= self.signed()?;
            } else if self.take("/") {
                value /= self.signed()?;
            } else {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<f64> {
        if self.take("-") { self.signed().map(|value| -value) } else { self.power() }
    }

    fn power(&mut self) -> Option<f64> {
        let base = self.atom()?;
        if self.take("**") { Some(base.powf(self.signed()?)) } else { Some(base) }
    }

    fn atom(&mut self) -> Option<f64> {
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.word(|c| c.is_ascii_digit() || c == '.').parse().ok();
        }
        let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        if let Some(index) = name.strip_prefix('x').and_then(|index| index.parse::<usize>().ok()) {
            return self.x.get(index).copied();
        }
        let value = if self.rest.starts_with('(') { self.atom()? } else { return None };
        match name.rsplit('.').next()? {
            "tanh" => Some(value.tanh()),
            "sin" => Some(value.sin()),
            "cos" => Some(value.cos()),
            "exp" => Some(value.exp()),
            "log" => Some(value.ln()),
            "sqrt" => Some(value.sqrt()),
            "abs" => Some(value.abs()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    #[test]
    fn formulas_read_as_python_reads_them() {
        let x = [2.0, 3.0];
        assert_eq!(evaluate("x0*x1 + 2*x0 - 1", &x), Some(9.0));
        assert_eq!(evaluate("-x0**2 / (1 - 3) * np.abs(-x1)", &x), Some(6.0));
        assert_eq!(evaluate("tanh(x0 - 2) + 0.5", &x), Some(0.5));
        assert_eq!(evaluate("erf(x0)", &x), None);
        assert_eq!(evaluate("x7", &x), None);
        assert_eq!(evaluate("x0 x1", &x), None);
    }
}
