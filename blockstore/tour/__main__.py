"""``python -m blockstore.tour``: the tour as a command.

Exit status: 0 when every comparison held, 1 when one did not or something
failed, 130 when it was interrupted before the end.
"""

import argparse
import pathlib
import signal
import sys
import time
import types

import openstack.exceptions

from blockstore import exceptions
from blockstore.tour import client
from blockstore.tour import place as places
from blockstore.tour import service as services
from blockstore.tour import writer
from blockstore.tour.place import Place
from blockstore.tour.screen import Screen
from blockstore.tour.service import Service
from blockstore.tour.story import Story

_FAILURES = (
    client.CommandFailed, exceptions.BlockstoreError, OSError,
    openstack.exceptions.SDKException, services.ServiceFailed,
    writer.WriterFailed)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog='./tools/quickstart',
        description='Start blockstore, show what it does, and keep serving '
                    'until Ctrl-C.')
    parser.add_argument(
        '--once', action='store_true',
        help='end after the tour; the exit status is 0 only if every '
             'comparison held')
    parser.add_argument(
        '--dir', type=pathlib.Path, default=places.default_directory(),
        help='directory of everything that is made (default: %(default)s)')
    parser.add_argument(
        '--port', type=int, default=8776,
        help='port of the API; another if it is taken (default: %(default)s)')
    parser.add_argument(
        '--data', type=int, default=256, choices=range(16, 769),
        metavar='MIB',
        help='MiB that the client writes at first (default: %(default)s)')
    return parser.parse_args()


def main() -> int:
    """Tell the story, and serve."""
    asked = arguments()
    # Also where somebody had them ignored, as a shell does for "&".
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    screen = Screen()
    place = Place(asked.dir, asked.port)
    try:
        place.prepare()
    except (places.Busy, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    service = Service(place)
    try:
        return _show(asked, screen, place, service)
    except KeyboardInterrupt:
        screen.line()
        return 130
    except _FAILURES as error:
        screen.line()
        screen.line(f'This should not have happened: {error}')
        screen.line(f'The logs are in {place.logs}.')
        return 1
    finally:
        # A second Ctrl-C must not leave things behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        screen.line(f'Removing everything but {place.logs} ...')
        service.stop()
        place.leave()


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(asked: argparse.Namespace, screen: Screen, place: Place,
          service: Service) -> int:
    screen.line('blockstore: the whole service, on this machine, for a '
                'while.')
    screen.line(f'Everything is in {place.directory}')
    screen.line(f'It serves {place.endpoint} since '
                f'{service.start():.1f} seconds.')
    story = Story(place, service, screen, asked.data)
    try:
        story.tell()
    finally:
        story.end()
    screen.line()
    screen.line(f'The tour took {screen.seconds:.0f} seconds.')
    if not asked.once:
        _serve(screen, place, service)
    return 0 if story.true else 1


def _serve(screen: Screen, place: Place, service: Service) -> None:
    """Tell how to speak to the service, and wait for Ctrl-C."""
    programs = places.programs()
    screen.line(f"""
Now it is yours. In another terminal:

  export PATH={programs}:$PATH NO_PROXY=127.0.0.1
  export OS_CLIENT_CONFIG_FILE={place.clouds} OS_CLOUD={places.CLOUD}

  openstack volume list

The second line is all that any other openstack client needs, or a program
that says openstack.connect(). There is no Keystone: you are the
administrator, and a token "name:project" makes you somebody else. The older
client and the tools that look inside take their own options:

  cinder --os-auth-type noauth --os-user-id admin \\
      --os-project-id {places.PROJECT} \\
      --os-endpoint {place.endpoint} --os-volume-api-version 3.71 list
  blockstore-manage --config-file {place.configuration} operation list --all

Serving until you press Ctrl-C; then everything made here is removed.""")
    try:
        while service.running():
            time.sleep(0.2)
    except KeyboardInterrupt:
        screen.line()
        return
    raise services.ServiceFailed(f'the service has ended; see {place.logs}')


if __name__ == '__main__':
    sys.exit(main())
