#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// Small helpers around SQLiteCpp, for the .cpp files of this folder only.
namespace pushguard::store {

/// A stored value that this version cannot read. Caught where the database's own exceptions are.
struct unreadable_value {
  std::string what;
};

/// A connection that keeps statements: to prepare one takes longer than to run it.
class keeping_database : public SQLite::Database {
 public:
  using SQLite::Database::Database;

  /// A statement to be bound and run. When the loan ends it is reset.
  class loan {
   public:
    explicit loan(SQLite::Statement& of) : statement_(of) {}
    ~loan();
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;

    [[nodiscard]] SQLite::Statement& operator*() const noexcept { return statement_; }

   private:
    SQLite::Statement& statement_;
  };

  /// `sql` outlives the connection, as literals do. Of one text, only one loan at a time.
  [[nodiscard]] loan lend(std::string_view sql);

 private:
  std::map<std::string_view, SQLite::Statement> kept_;
};

/// Binds values in order, so that a statement's text and its values read side by side.
class binder {
 public:
  explicit binder(SQLite::Statement& statement) : statement_(statement) {}

  binder& operator<<(std::int64_t value) {
    statement_.bind(++index_, value);
    return *this;
  }
  binder& operator<<(double value) {
    statement_.bind(++index_, value);
    return *this;
  }
  binder& operator<<(const std::string& value) {
    statement_.bind(++index_, value);
    return *this;
  }
  binder& operator<<(std::string_view value) { return *this << std::string(value); }
  binder& operator<<(wall_time value) { return *this << std::int64_t{value.time_since_epoch().count()}; }
  template <class Value>
  binder& operator<<(const std::optional<Value>& value) {
    if (value)
      return *this << *value;
    statement_.bind(++index_);
    return *this;
  }

 private:
  SQLite::Statement& statement_;
  int index_ = 0;
};

/// Reads columns in order.
class row_reader {
 public:
  explicit row_reader(SQLite::Statement& statement) : statement_(statement) {}

  void skip() { ++column_; }
  [[nodiscard]] std::int64_t integer() { return next().getInt64(); }
  [[nodiscard]] std::string text() { return next().getString(); }
  [[nodiscard]] wall_time time() { return wall_time(std::chrono::milliseconds(integer())); }
  [[nodiscard]] std::optional<double> maybe_real() {
    const auto column = next();
    return column.isNull() ? std::nullopt : std::optional(column.getDouble());
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_integer() {
    const auto column = next();
    return column.isNull() ? std::nullopt : std::optional(column.getInt64());
  }
  [[nodiscard]] std::optional<wall_time> maybe_time() {
    const auto column = next();
    return column.isNull() ? std::nullopt
                           : std::optional(wall_time(std::chrono::milliseconds(column.getInt64())));
  }

  template <class Id>
  [[nodiscard]] Id id() {
    const std::string stored = text();
    auto parsed = Id::parse(stored);
    if (!parsed)
      throw unreadable_value{parsed.error().text()};
    return *parsed;
  }

  /// The value among `all` whose to_string() is stored.
  template <class Values>
  [[nodiscard]] auto one_of(const Values& all) {
    return find(all, text());
  }
  template <class Values>
  [[nodiscard]] auto maybe_one_of(const Values& all) -> std::optional<typename Values::value_type> {
    const auto column = next();
    if (column.isNull())
      return std::nullopt;
    return find(all, column.getString());
  }

 private:
  [[nodiscard]] SQLite::Column next() { return statement_.getColumn(column_++); }

  template <class Values>
  [[nodiscard]] static typename Values::value_type find(const Values& all, const std::string& stored) {
    for (const auto value : all) {
      if (to_string(value) == stored)
        return value;
    }
    throw unreadable_value{fmt::format("'{}' is not a value this version knows", stored)};
  }

  SQLite::Statement& statement_;
  int column_ = 0;
};

/// Runs a statement that answers no rows; it can be bound and run again.
inline void run(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

/// What the database refused, in one sentence about `database`.
[[nodiscard]] failure describe(const SQLite::Exception& error, std::string_view database);

}  // namespace pushguard::store
