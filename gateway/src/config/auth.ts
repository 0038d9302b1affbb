// Who may do what: tokens, users and passwords, and how long what is known of them is kept.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

const tokens = {
  AUTH_REQUIRED: flag('refuse requests without a valid token', true),
  ALLOW_UNAUTHENTICATED_ADMIN: flag('with AUTH_REQUIRED off: everybody is an administrator too', false),
  JWT_SECRET_KEY: Type.String({
    default: '',
    description: 'key of the tokens (HS256), at least 32 characters; needed while AUTH_REQUIRED is on',
    secret: true,
  }),
  JWT_AUDIENCE: Type.String({ default: 'mcpgateway-api', description: 'audience that tokens must name' }),
  JWT_ISSUER: Type.String({ default: 'mcpgateway', description: 'issuer that tokens must name' }),
  JWT_AUDIENCE_VERIFICATION: flag('refuse tokens for another audience than JWT_AUDIENCE', true),
  JWT_ISSUER_VERIFICATION: flag('refuse tokens of another issuer than JWT_ISSUER', true),
  REQUIRE_TOKEN_EXPIRATION: flag('refuse tokens that never expire', false, {
    sourceNote: 'on in the current ContextForge, whose guides make tokens with `--exp 0`',
  }),
  REQUIRE_JTI: flag('refuse tokens without an id (jti): such tokens cannot be revoked', false, {
    sourceNote: 'on in the current ContextForge',
  }),
  REQUIRE_USER_IN_DB: flag('refuse tokens of users that are not in the users table', false, {
    sourceNote: 'on in the current ContextForge; `gateway token` makes tokens for anybody',
  }),
  TOKEN_EXPIRY: count('how long the token of a login is good (minutes)', {
    default: 10_080,
    minimum: 1,
    maximum: 525_600,
  }),
  JWT_CACHE_ENABLED: flag('remember verified tokens', true),
  JWT_CACHE_TTL: seconds('how long a verified token is remembered; never beyond its own expiry', {
    default: 30,
    minimum: 1,
    maximum: 3600,
  }),
  JWT_CACHE_MAX_SIZE: count('verified tokens that are remembered', { default: 10_000, minimum: 1, maximum: 1_000_000 }),
};

const users = {
  PLATFORM_ADMIN_EMAIL: Type.String({
    default: 'admin@example.com',
    minLength: 3,
    description:
      'the first administrator; a token in this name is an administrator’s also without a row in the users table',
  }),
  PLATFORM_ADMIN_PASSWORD: Type.String({
    default: '',
    description:
      'with a value: the first administrator is created at the start when the users table has none of that name',
    secret: true,
    sourceNote: 'ContextForge starts with `changeme`',
  }),
  PLATFORM_ADMIN_FULL_NAME: Type.String({
    default: 'Platform Administrator',
    description: 'full name of the first administrator',
  }),
  PUBLIC_REGISTRATION_ENABLED: flag('let anybody create an account with POST /auth/email/register', false, {
    live: true,
  }),
  DEFAULT_USER_ROLE: Type.String({
    default: 'platform_viewer',
    minLength: 1,
    description: 'role of a new user; `platform_viewer` reads, `developer` also calls tools and changes the registry',
  }),
  PASSWORD_POLICY_ENABLED: flag('judge new passwords by the PASSWORD_ settings', true, { live: true }),
  PASSWORD_MIN_LENGTH: count('characters that a password has at least', {
    default: 8,
    minimum: 1,
    maximum: 128,
    live: true,
  }),
  PASSWORD_REQUIRE_UPPERCASE: flag('passwords need an upper-case letter', true, { live: true }),
  PASSWORD_REQUIRE_LOWERCASE: flag('passwords need a lower-case letter', true, { live: true }),
  PASSWORD_REQUIRE_NUMBERS: flag('passwords need a digit', false, { live: true }),
  PASSWORD_REQUIRE_SPECIAL: flag('passwords need a character that is neither letter nor digit', true, { live: true }),
  MAX_FAILED_LOGIN_ATTEMPTS: count('wrong passwords in a row after which an account is locked', {
    default: 5,
    minimum: 1,
    maximum: 1000,
    live: true,
  }),
  ACCOUNT_LOCKOUT_DURATION_MINUTES: count('how long an account stays locked (minutes)', {
    default: 30,
    minimum: 1,
    maximum: 10_080,
    live: true,
  }),
  FAILED_LOGIN_MIN_RESPONSE_MS: count('a refused login is answered after this time at the earliest (milliseconds)', {
    default: 250,
    minimum: 0,
    maximum: 10_000,
    live: true,
  }),
  MAX_MEMBERS_PER_TEAM: count('members of one team', { default: 100, minimum: 1, maximum: 10_000, live: true }),
};

const userTtl = { default: 60, minimum: 1, maximum: 300, live: true } as const;

const caches = {
  AUTH_CACHE_ENABLED: flag('remember users, revocations, teams and roles between requests', true),
  AUTH_CACHE_USER_TTL: seconds('how long a user is remembered', userTtl),
  AUTH_CACHE_REVOCATION_TTL: seconds('how long it is remembered that a token was not revoked', {
    default: 30,
    minimum: 1,
    maximum: 120,
    live: true,
  }),
  AUTH_CACHE_TEAM_TTL: seconds('how long the memberships behind a token that names its teams are remembered', userTtl),
  AUTH_CACHE_ROLE_TTL: seconds('how long the roles of a user are remembered', userTtl),
  AUTH_CACHE_TEAMS_ENABLED: flag('remember the teams of a user', true),
  AUTH_CACHE_TEAMS_TTL: seconds('how long the teams of a user are remembered', userTtl),
  AUTH_CACHE_BATCH_QUERIES: flag('ask for user, revocation, teams and roles in one statement', true, { live: true }),
  TEAM_CACHE_ENABLED: flag('remember the members of teams for the /teams routes', true),
  TEAM_CACHE_MEMBERS_TTL: seconds('how long the members of a team are remembered', userTtl),
  TEAM_CACHE_ROLE_TTL: seconds('how long the role of a member in its team is remembered', userTtl),
};

export const authSettings = { ...tokens, ...users, ...caches };
