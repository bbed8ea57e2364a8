#include "learning/statistics/logistic_regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/math.hpp"

namespace memprop::learning {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmallestResidual = 1e-8;  // of a column beside those before it, relative to its length
constexpr double kSmallestPivot = 1e-12;    // of the information in an orthonormal basis; it is at most 1/4
constexpr double kPriorPrecision = 0.01;    // standard deviation 10
constexpr int kMaxIterations = 100;
constexpr int kMaxHalvings = 40;

/// Row-major; columns are what is combined.
struct Matrix {
    std::size_t rows = 0, columns = 0;
    std::vector<double> values;

    Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
    double& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }
    double operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
};

double dot(const Matrix& a, std::size_t column, const Matrix& b, std::size_t other) {
    double sum = 0.0;
    for (std::size_t r = 0; r < a.rows; ++r) {
        sum += a(r, column) * b(r, other);
    }
    return sum;
}

/// The columns that do not depend on those before them, made orthonormal: column kept[j] of the design is
/// basis times column j of `triangle`.
struct Basis {
    std::vector<std::size_t> kept;
    Matrix vectors, triangle;
};

Basis orthonormal(const Matrix& design) {
    Basis basis{{}, Matrix(design.rows, design.columns), Matrix(design.columns, design.columns)};
    for (std::size_t c = 0; c < design.columns; ++c) {
        const std::size_t j = basis.kept.size();
        const double length = std::sqrt(dot(design, c, design, c));
        for (std::size_t r = 0; r < design.rows; ++r) {
            basis.vectors(r, j) = design(r, c);
        }
        std::vector<double> parts(j, 0.0);
        for (int pass = 0; pass < 2; ++pass) {  // the second removes what rounding has left
            for (std::size_t i = 0; i < j; ++i) {
                const double part = dot(basis.vectors, i, basis.vectors, j);
                parts[i] += part;
                for (std::size_t r = 0; r < design.rows; ++r) {
                    basis.vectors(r, j) -= part * basis.vectors(r, i);
                }
            }
        }
        const double residual = std::sqrt(dot(basis.vectors, j, basis.vectors, j));
        if (!(residual > kSmallestResidual * length)) {
            continue;
        }
        for (std::size_t r = 0; r < design.rows; ++r) {
            basis.vectors(r, j) /= residual;
        }
        for (std::size_t i = 0; i < j; ++i) {
            basis.triangle(i, j) = parts[i];
        }
        basis.triangle(j, j) = residual;
        basis.kept.push_back(c);
    }
    return basis;
}

/// Lower Cholesky factor of the leading n x n block; false if a pivot is not above `smallest`.
bool factorise(Matrix& a, std::size_t n, double smallest) {
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = j; i < n; ++i) {
            double sum = a(i, j);
            for (std::size_t k = 0; k < j; ++k) {
                sum -= a(i, k) * a(j, k);
            }
            if (i == j) {
                if (!(sum > smallest)) {
                    return false;
                }
                a(j, j) = std::sqrt(sum);
            } else {
                a(i, j) = sum / a(j, j);
            }
        }
    }
    return true;
}

std::vector<double> solve(const Matrix& factor, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            b[i] -= factor(i, k) * b[k];
        }
        b[i] /= factor(i, i);
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) {
            b[i] -= factor(k, i) * b[k];
        }
        b[i] /= factor(i, i);
    }
    return b;
}

/// log(1 + exp(x)); exp underflows harmlessly.
double log_one_plus_exp(double x) {
    return std::max(x, 0.0) + math::log(1.0 + math::exp(std::max(-std::abs(x), -700.0)));
}

double probability(double x) {
    return 1.0 / (1.0 + math::exp(std::clamp(-x, -700.0, 700.0)));
}

/// Newton's method for the first n columns of `design`; `precision` is that of a normal prior per column.
class Newton {
public:
    Newton(const Matrix& design, std::size_t n, std::span<const std::uint8_t> answers,
           std::vector<double> precision)
        : design_(design),
          n_(n),
          answers_(answers),
          precision_(std::move(precision)),
          gamma_(n, 0.0),
          factor_(n, n) {}

    /// False if there is no maximum to be found: the answers can be separated.
    bool run() {
        double value = objective(gamma_);
        for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
            const std::vector<double> slope = derivatives();
            if (!factorise(factor_, n_, kSmallestPivot)) {
                return false;
            }
            const std::vector<double> step = solve(factor_, slope);
            double part = 1.0, found = 0.0;
            std::vector<double> next(n_);
            for (int halving = 0; halving < kMaxHalvings; ++halving, part /= 2) {
                for (std::size_t j = 0; j < n_; ++j) {
                    next[j] = gamma_[j] + part * step[j];
                }
                found = objective(next);
                if (found <= value + 1e-14 * std::abs(value)) {
                    break;
                }
            }
            double largest_step = 0.0, largest = 0.0;
            for (std::size_t j = 0; j < n_; ++j) {
                largest_step = std::max(largest_step, std::abs(next[j] - gamma_[j]));
                largest = std::max(largest, std::abs(next[j]));
            }
            gamma_ = next;
            value = found;
            if (largest_step <= 1e-10 * (1.0 + largest)) {
                derivatives();
                return factorise(factor_, n_, kSmallestPivot);
            }
            if (separates()) {
                return false;
            }
        }
        return false;
    }

    const std::vector<double>& gamma() const { return gamma_; }
    const Matrix& factor() const { return factor_; }  ///< of the information at gamma

private:
    double predictor(std::size_t row, const std::vector<double>& at) const {
        double sum = 0.0;
        for (std::size_t j = 0; j < n_; ++j) {
            sum += design_(row, j) * at[j];
        }
        return sum;
    }

    /// Minus the log posterior.
    double objective(const std::vector<double>& at) const {
        double sum = 0.0;
        for (std::size_t r = 0; r < design_.rows; ++r) {
            const double x = predictor(r, at);
            sum += log_one_plus_exp(answers_[r] != 0 ? -x : x);
        }
        for (std::size_t j = 0; j < n_; ++j) {
            sum += 0.5 * precision_[j] * at[j] * at[j];
        }
        return sum;
    }

    /// The gradient of the log posterior; puts the information into the factor's place.
    std::vector<double> derivatives() {
        std::vector<double> slope(n_, 0.0);
        std::fill(factor_.values.begin(), factor_.values.end(), 0.0);
        for (std::size_t r = 0; r < design_.rows; ++r) {
            const double p = probability(predictor(r, gamma_));
            const double error = double(answers_[r]) - p, weight = p * (1.0 - p);
            for (std::size_t j = 0; j < n_; ++j) {
                slope[j] += error * design_(r, j);
                for (std::size_t i = 0; i <= j; ++i) {
                    factor_(j, i) += weight * design_(r, j) * design_(r, i);
                }
            }
        }
        for (std::size_t j = 0; j < n_; ++j) {
            slope[j] -= precision_[j] * gamma_[j];
            factor_(j, j) += precision_[j];
        }
        return slope;
    }

    /// Whether every answer is on its side of the plane: then the likelihood has no maximum.
    bool separates() const {
        if (std::any_of(precision_.begin(), precision_.end(), [](double p) { return p > 0.0; })) {
            return false;  // the prior gives it one
        }
        for (std::size_t r = 0; r < design_.rows; ++r) {
            const double x = predictor(r, gamma_);
            if (!(answers_[r] != 0 ? x > 0.0 : x < 0.0)) {
                return false;
            }
        }
        return true;
    }

    const Matrix& design_;
    std::size_t n_;
    std::span<const std::uint8_t> answers_;
    std::vector<double> precision_;
    std::vector<double> gamma_;
    Matrix factor_;
};

/// Coefficients and covariance of what `newton` has found, through columns = basis * triangle.
LogisticFit back(const Newton& newton, const std::vector<std::size_t>& kept, const Matrix& triangle,
                 std::size_t columns, LogisticEstimate estimate) {
    LogisticFit fit{estimate, std::vector<double>(columns, kNan),
                    std::vector<double>(columns * columns, kNan)};
    const std::size_t n = kept.size();
    // Column j of `inverse`: the coefficients that a unit of basis vector j stands for.
    Matrix inverse(n, n);
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = n; i-- > 0;) {
            double sum = i == j ? 1.0 : 0.0;
            for (std::size_t k = i + 1; k < n; ++k) {
                sum -= triangle(i, k) * inverse(k, j);
            }
            inverse(i, j) = sum / triangle(i, i);
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        double sum = 0.0;
        std::vector<double> row(n);
        for (std::size_t j = 0; j < n; ++j) {
            sum += inverse(i, j) * newton.gamma()[j];
            row[j] = inverse(i, j);
        }
        fit.coefficients[kept[i]] = sum;
        const std::vector<double> solved = solve(newton.factor(), row);
        for (std::size_t k = 0; k < n; ++k) {
            double covariance = 0.0;
            for (std::size_t j = 0; j < n; ++j) {
                covariance += inverse(k, j) * solved[j];
            }
            fit.covariance[kept[i] * columns + kept[k]] = covariance;
        }
    }
    return fit;
}

/// The regressors kept with mean 0 and standard deviation 1, and how the design is made of them.
Basis standardised(const Matrix& design, const std::vector<std::size_t>& kept) {
    const std::size_t n = kept.size();
    Basis basis{kept, Matrix(design.rows, n), Matrix(n, n)};
    for (std::size_t j = 0; j < n; ++j) {
        double mean = 0.0, square = 0.0;
        for (std::size_t r = 0; r < design.rows; ++r) {
            mean += design(r, kept[j]) / double(design.rows);
        }
        for (std::size_t r = 0; r < design.rows; ++r) {
            const double deviation = design(r, kept[j]) - mean;
            square += deviation * deviation / double(design.rows);
        }
        const double scale = j == 0 ? 1.0 : std::sqrt(square);
        for (std::size_t r = 0; r < design.rows; ++r) {
            basis.vectors(r, j) = j == 0 ? 1.0 : (design(r, kept[j]) - mean) / scale;
        }
        basis.triangle(0, j) = j == 0 ? 1.0 : mean;
        basis.triangle(j, j) = scale;
    }
    return basis;
}

}  // namespace

LogisticFit fit_logistic(std::span<const double> regressors, std::span<const std::uint8_t> answers) {
    const std::size_t rows = answers.size();
    const std::size_t columns = 1 + (rows == 0 ? 0 : regressors.size() / rows);
    const auto ones = static_cast<std::size_t>(
        std::count_if(answers.begin(), answers.end(), [](std::uint8_t a) { return a != 0; }));
    if (ones == 0 || ones == rows) {
        return {LogisticEstimate::none, std::vector<double>(columns, kNan),
                std::vector<double>(columns * columns, kNan)};
    }
    Matrix design(rows, columns);
    for (std::size_t r = 0; r < rows; ++r) {
        design(r, 0) = 1.0;
        for (std::size_t c = 1; c < columns; ++c) {
            design(r, c) = regressors[r * (columns - 1) + c - 1];
        }
    }
    const Basis basis = orthonormal(design);
    const std::size_t n = basis.kept.size();
    Newton newton(basis.vectors, n, answers, std::vector<double>(n, 0.0));
    if (newton.run()) {
        return back(newton, basis.kept, basis.triangle, columns, LogisticEstimate::maximum_likelihood);
    }
    const Basis standard = standardised(design, basis.kept);
    std::vector<double> precision(n, kPriorPrecision);
    precision[0] = 0.0;
    Newton penalised(standard.vectors, n, answers, precision);
    if (!penalised.run()) {
        return {LogisticEstimate::none, std::vector<double>(columns, kNan),
                std::vector<double>(columns * columns, kNan)};
    }
    return back(penalised, standard.kept, standard.triangle, columns, LogisticEstimate::separated);
}

}  // namespace memprop::learning
