"""Programs that make committed files; none of them is part of the product."""
