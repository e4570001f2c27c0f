"""`python -m mtdeep.fairseq_plugin train ...`: fairseq's commands where `.pth` files are not read.

Python reads the start-up hook from site-packages alone. With mtdeep on `PYTHONPATH` or installed by `pip install
--target`, this module installs the hook and runs the command of the same name.
"""

from mtdeep.fairseq_plugin.command import main

if __name__ == "__main__":
    main()
