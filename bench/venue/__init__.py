"""How much the embedded venue bears: orders a second, how soon it answers, markets, memory."""
