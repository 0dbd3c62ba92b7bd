"""Writes the pages' tables from the tables that the code obeys.

:func:`write` makes one ``<name>.inc.rst`` for each table; pages include
them.  A unit test makes them too and looks for what is missing.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import itertools
import pathlib
from typing import Any

from oslo_config import cfg

from blockstore import conf as blockstore_conf
from blockstore.api import microversions
from blockstore.api import routes
from blockstore.api.rows import Row
from blockstore.conf import volume
from blockstore.rpc import versions
from blockstore.rpc.methods import backup as backup_rpc
from blockstore.rpc.methods import scheduler as scheduler_rpc
from blockstore.rpc.methods import volume as volume_rpc
from blockstore.volume.drivers import base

_NEWLINE = '\n'


def write(directory: pathlib.Path) -> None:
    """Write all tables into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in (('routes', route_lines()),
                        ('options', option_lines()),
                        ('capabilities', capability_lines()),
                        ('rpc', rpc_lines())):
        text = _NEWLINE.join(lines) + _NEWLINE
        (directory / f'{name}.inc.rst').write_text(text, encoding='utf-8')


# Routes.

def route_lines() -> Iterator[str]:
    """Yield a section for each first part of a path, with its routes."""
    rows = [*routes.ROOTS, *routes.TABLE]
    for noun, found in itertools.groupby(rows, _noun):
        yield from ['', noun, '-' * len(noun), '']
        yield from list_table(
            ('Method', 'Path', 'Versions', 'Policy rule', 'Success'),
            (_route(row) for row in found), widths='8 40 12 32 8')


def _noun(row: Row) -> str:
    if row in routes.ROOTS:
        return 'Discovery of versions'
    return row.path.split('/')[1]


def _route(row: Row) -> tuple[str, ...]:
    path = f'``{row.path}``'
    if row.action:
        path += f' ``{{"{row.action}"}}``'
    rule = f'``{row.policy}``' if row.policy else 'none'
    return (row.method, path, _versions(row), rule, str(row.code))


def _versions(row: Row) -> str:
    if (row.min, row.max) == (microversions.MIN, microversions.MAX):
        return 'all'
    if row.max == microversions.MAX:
        return f'from {row.min}'
    return f'{row.min} to {row.max}'


# Options.

def option_lines() -> Iterator[str]:
    """Yield a section for each section of the configuration."""
    for group, options in blockstore_conf.list_opts():
        yield from _section(f'[{group}]', options)
    yield from _section('[<back end>]', volume.BACKEND_OPTS)


def _section(title: str, options: Iterable[cfg.Opt]) -> Iterator[str]:
    yield from ['', title, '-' * len(title), '']
    yield from list_table(
        ('Option', 'Default', 'Meaning'),
        ((f'``{option.name}``', _default(option), _literal(option.help or ''))
         for option in options), widths='26 20 54')


def _default(option: cfg.Opt) -> str:
    value: Any = option.default
    if option.sample_default is not None:
        value = option.sample_default
    if value is None or value in ('', []):
        return 'none'
    if option.multi:
        return 'see the sample'
    if isinstance(value, list):
        value = ', '.join(value)
    return f'``{value}``'


def _literal(text: str) -> str:
    """Keep asterisks, backquotes and bars from being read as markup."""
    for mark in '\\*`|':
        text = text.replace(mark, '\\' + mark)
    return text


# Capabilities of volume drivers.

def capability_lines() -> Iterator[str]:
    """Yield the capabilities that a driver may declare."""
    yield from list_table(
        ('Name', 'Protocol', 'Meaning', 'Methods or attributes'),
        ((f'``{name}``', f'``{protocol.__name__}``',
          (protocol.__doc__ or '').partition('\n')[0],
          ', '.join(f'``{member}``' for member in _members(protocol)))
         for name, protocol in base.CAPABILITIES.items()),
        widths='18 18 34 30')


def _members(protocol: type) -> list[str]:
    found = [*vars(protocol).get('__annotations__', {}), *vars(protocol)]
    return [name for name in dict.fromkeys(found)
            if not name.startswith('_')]


# RPC.

def rpc_lines() -> Iterator[str]:
    """Yield a section for each service, with each of its methods."""
    for title, topic, module in (
            ('Volume', 'blockstore-volume.<host>@<back end>', volume_rpc),
            ('Scheduler', 'blockstore-scheduler', scheduler_rpc),
            ('Backup', 'blockstore-backup', backup_rpc)):
        yield from ['', title, '=' * len(title), '',
                    f'Topic ``{topic}``, version '
                    f'``{versions.RPC[title.lower()]}``.', '']
        for method in module.METHODS.values():
            yield from _method(method)


def _method(method: Any) -> Iterator[str]:
    yield from ['', method.name, '-' * len(method.name), '',
                f'*Since {method.since}.*  {method.about}', '']
    if method.arguments:
        yield from list_table(
            ('Argument', 'Type', 'Meaning'),
            ((f'``{one.name}``' + ('' if one.required else ' (optional)'),
              _kind(one.schema), one.about) for one in method.arguments),
            widths='26 18 56')
    yield from [f'Answer: {method.answer or "none"}.', '']
    if method.errors:
        yield from ['Errors: ' + ', '.join(
            f'``{code}``' for code in sorted(method.errors)) + '.', '']


def _kind(schema: Any) -> str:
    kinds = schema['type']
    kinds = [kinds] if isinstance(kinds, str) else kinds
    text = ' or '.join(kinds)
    if schema.get('format') == 'uuid':
        text = text.replace('string', 'UUID')
    return text


def list_table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]], *,
               widths: str) -> Iterator[str]:
    """Yield the lines of a table with a head."""
    yield from ['.. list-table::', '   :header-rows: 1',
                f'   :widths: {widths}', '']
    for row in itertools.chain([titles], rows):
        for index, cell in enumerate(row):
            yield ('   * - ' if index == 0 else '     - ') + cell
    yield ''
