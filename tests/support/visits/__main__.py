"""`cchc` with one more service."""

from tests.support.visits import add_to_the_product

add_to_the_product()

if __name__ == "__main__":
    from cchc.cli import main

    main()
