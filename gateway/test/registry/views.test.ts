import { expect, it } from 'vitest';
import { type Audience, everything, publicOnly, toViewerKey, type Viewer } from '../../src/mcp/viewer.ts';
import { type Shown, Views } from '../../src/registry/views.ts';

interface Row extends Shown {
  name: string;
}

const forTeam = (teamId: string | null): Audience => ({ visibility: 'team', teamId, ownerEmail: 'ada' });
const ofOwner = (ownerEmail: string | null): Audience => ({ visibility: 'private', teamId: 'red', ownerEmail });
const viewer = (owner: string | undefined, ...teams: string[]): Viewer => ({ isAdmin: false, owner, teams });

const rows: Row[] = [
  { name: 'all' },
  { name: 'red', audiences: [forTeam('red')] },
  { name: 'blue', audiences: [forTeam('blue')] },
  { name: 'red and ada', audiences: [forTeam('red'), ofOwner('ada')] },
  { name: 'ada', audiences: [ofOwner('ada')] },
  { name: 'nobody', audiences: [forTeam(null)] },
  { name: 'nobody either', audiences: [ofOwner(null)] },
];

function create(of: readonly Row[] = rows) {
  let made = 0;
  const views = new Views(of, (shown) => {
    made++;
    return shown.map(({ name }) => name);
  });
  return { views, made: () => made };
}

it('shows what is for everybody, for a team of the viewer, and what is the viewer’s own', () => {
  const { views } = create();
  expect(views.of(publicOnly)).toEqual(['all']);
  expect(views.of(viewer('bob', 'red'))).toEqual(['all', 'red']);
  expect(views.of(viewer('ada'))).toEqual(['all', 'ada']);
  expect(views.of(viewer('ada', 'blue', 'red'))).toEqual(['all', 'red', 'blue', 'red and ada', 'ada']);
  // The owner of what is a team's has left the team: it is not shown.
  expect(views.of(viewer('ada', 'green'))).toEqual(['all', 'ada']);
  expect(views.of(everything)).toEqual(rows.map(({ name }) => name));
});

it('is one list for all while everything is public', () => {
  const { views, made } = create([{ name: 'a' }, { name: 'b' }]);
  const all = views.of(everything);
  for (const one of [publicOnly, viewer('ada', 'red'), viewer('bob')]) expect(views.of(one)).toBe(all);
  expect(made()).toBe(1);
});

it('is made once for all who see the same: teams and owners that nothing here is for do not count', () => {
  const { views, made } = create();
  const before = made();
  const one = views.of(viewer('bob', 'red', 'green'));
  expect(views.of(viewer('eve', 'green', 'red'))).toBe(one);
  expect(views.of(viewer(undefined, 'red'))).toBe(one);
  for (let at = 0; at < 100; at++) views.of(viewer(`user-${at}`, `team-${at}`));
  expect(made() - before).toBe(2);
});

it('keeps apart owners and teams of the same name', () => {
  const { views } = create([
    { name: 'team', audiences: [forTeam('x')] },
    { name: 'own', audiences: [ofOwner('x')] },
  ]);
  expect(views.of(viewer('x'))).toEqual(['own']);
  expect(views.of(viewer('y', 'x'))).toEqual(['team']);
  expect(toViewerKey(viewer('x'))).not.toBe(toViewerKey(viewer(undefined, 'x')));
  expect(toViewerKey(viewer('x', 'a', 'b'))).toBe(toViewerKey(viewer('x', 'b', 'a')));
});
