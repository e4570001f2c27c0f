"""All that fairseq sees of mtdeep. Imports nothing: the start-up hook passes through here at every start of Python."""
