"""The proof that the rules can not clear somebody wrongly: labelled made-up people, and rules broken on purpose."""
