"""``blockstore-manage user``: the users of ``[auth] strategy = http_basic``.

    blockstore-manage user set alice --project 0123… --role member
    pwgen 24 1 | blockstore-manage user set robot --role reader
"""

import getpass
import re
import sys

import bcrypt
from oslo_config import cfg

from blockstore import exceptions
from blockstore.api.auth import passwords
from blockstore.api.auth import user_file

_WORD = re.compile(r'[^:,\s#][^:,\s]*')


def show(conf: cfg.ConfigOpts) -> int:
    """List the users, their projects and roles."""
    users = user_file.UserFile.from_conf(conf).users()
    for name, user in sorted(users.items()):
        print(f'{name}  {user.project_id}  {",".join(user.roles)}')
    return 0


def keep(conf: cfg.ConfigOpts) -> int:
    """Make a user, or change one: the password is asked for."""
    command = conf.command
    for word in (command.user, *(command.role or ())):
        if not _WORD.fullmatch(word):
            raise exceptions.Invalid(
                f'{word!r} cannot be written into the file',
                remedy='leave out white space, colons and commas')
    project = command.project or conf.auth.http_basic_project
    if not re.fullmatch(conf.api.project_id_regex, project):
        raise exceptions.Invalid(
            f'{project!r} cannot be the project in a URL',
            remedy='see [api] project_id_regex')
    roles = command.role or conf.auth.http_basic_roles
    line = ':'.join((command.user, _hash(_read_password()), project,
                     ','.join(roles)))
    changed = user_file.write(conf.auth.http_basic_user_file, command.user,
                              line)
    print(f'{command.user} is {"changed" if changed else "added"}: project '
          f'{project}, {", ".join(roles)}.')
    return 0


def remove(conf: cfg.ConfigOpts) -> int:
    """Remove a user, who cannot ask for anything any more."""
    path, name = conf.auth.http_basic_user_file, conf.command.user
    if name not in user_file.UserFile.from_conf(conf).users():
        raise exceptions.NotFound(f'there is no user {name} in {path}')
    user_file.write(path, name, None)
    print(f'{name} is removed.')
    return 0


def _read_password() -> bytes:
    """Ask for a password twice; or read a line, where nobody types."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip('\n').encode()
    password = getpass.getpass('Password: ')
    if password != getpass.getpass('Once more: '):
        raise exceptions.Invalid('the two passwords are not the same')
    return password.encode()


def _hash(password: bytes) -> str:
    if not password or b'\0' in password:
        raise exceptions.Invalid('there is no password',
                                 remedy='type one, or send it as a line')
    if len(password) > passwords.MOST_BYTES:
        raise exceptions.Invalid(
            f'the password is over {passwords.MOST_BYTES} bytes',
            remedy='bcrypt would ignore the rest: take a shorter one')
    return bcrypt.hashpw(password, bcrypt.gensalt()).decode()
