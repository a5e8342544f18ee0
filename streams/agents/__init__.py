"""The stages: which topic, which decoder, which core function, which outputs."""
