"""What every entry point does first: options, configuration, log.

>>> conf = common.prepare(sys.argv[1:], 'blockstore-volume')
"""

from collections.abc import Sequence
from importlib import metadata

from oslo_config import cfg
from oslo_log import log as logging

from blockstore import conf as blockstore_conf

PROJECT = 'blockstore'

LOG_FORMAT = ('%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s '
              '[%(request_id)s %(project_id)s] %(message)s')
LOG_FORMAT_WITHOUT_REQUEST = (
    '%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s '
    '[-] %(message)s')

#: Libraries that tell more than an operator wants to know.
QUIET_LIBRARIES = (
    'alembic=WARN', 'amqp=WARN', 'amqplib=WARN', 'futurist=WARN',
    'granian=WARN', 'keystoneauth=WARN', 'keystonemiddleware=WARN',
    'kombu=WARN', 'oslo.messaging=WARN', 'oslo_messaging=WARN',
    'oslo_policy=WARN', 'oslo_service=WARN', 'requests=WARN',
    'routes.middleware=WARN', 'sqlalchemy=WARN', 'stevedore=WARN',
    'taskflow=WARN', 'urllib3=WARN', 'waitress=WARN')


def prepare(argv: Sequence[str], prog: str, *,
            config_files: Sequence[str] | None = None,
            conf: cfg.ConfigOpts = blockstore_conf.CONF) -> cfg.ConfigOpts:
    """Read the command line and the configuration files; set up the log.

    Ends the process after ``--help``, ``--version`` or a mistake.

    :param argv: the arguments without the program's name.
    :param prog: the program's name; also names its own configuration file.
    :param config_files: files to read when the command line names none;
        None looks in the usual places (``/etc/blockstore/blockstore.conf``).
    """
    logging.register_options(conf)
    logging.set_defaults(
        logging_context_format_string=LOG_FORMAT,
        default_log_levels=list(QUIET_LIBRARIES))
    conf.set_default('logging_default_format_string',
                     LOG_FORMAT_WITHOUT_REQUEST)
    blockstore_conf.register(conf)
    conf(list(argv), project=PROJECT, prog=prog, version=version(),
         default_config_files=(None if config_files is None
                               else list(config_files)))
    if not (conf.log_file or conf.log_dir or conf.use_syslog
            or conf.use_journal):
        # What a program prints and what it logs are two things.
        conf.set_default('use_stderr', True)
    logging.setup(conf, PROJECT)
    return conf


def read_again(conf: cfg.ConfigOpts) -> None:
    """Read the configuration files again, for processes forked from now on.

    A file with mistakes is logged, and what was read before stays.
    """
    if conf.reload_config_files():
        logging.setup(conf, PROJECT)


def version() -> str:
    """Give the installed version of blockstore."""
    try:
        return metadata.version(PROJECT)
    except metadata.PackageNotFoundError:
        return 'not installed'
