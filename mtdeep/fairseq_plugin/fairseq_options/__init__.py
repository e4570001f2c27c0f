"""fairseq's own options: what becomes of each in each command, and how those that would do nothing are refused."""
