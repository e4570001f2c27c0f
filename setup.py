"""Build script: everything declarative is in pyproject.toml, here is only what it cannot say."""

from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build

HOOK = "mtdeep/fairseq_plugin/mtdeep-fairseq.pth"


class BuildHook(Command):
    """Puts the start-up hook at the root of the wheel, so that it lands in site-packages, where Python reads it.

    A build step as setuptools documents them (`setuptools.command.build.SubCommand`). A wheel is made of all that lies
    in `build_lib`; an editable wheel leaves that out, but is made of all that lies in `install_lib`.
    """

    user_options = ()

    def initialize_options(self):
        self.build_lib = None
        self.editable_mode = False

    def finalize_options(self):
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self):
        root = self.get_finalized_command("install").install_lib if self.editable_mode else self.build_lib
        self.mkpath(root)
        self.copy_file(HOOK, root)

    def get_source_files(self):
        return [HOOK]

    def get_outputs(self):
        return [str(Path(self.build_lib, Path(HOOK).name))]

    def get_output_mapping(self):
        return {}


class BuildWithHook(build):
    """The usual build and the step above."""

    sub_commands = (*build.sub_commands, ("build_hook", None))


setup(cmdclass={"build": BuildWithHook, "build_hook": BuildHook})
