"""Everything that leaves: connections and their secrets, the one HTTP client, parameters, mail."""
