"""Kernels over text: words, normal form, personal data, n-gram hashes. Pure."""
