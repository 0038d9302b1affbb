// Settings for tests, by way of the real loader.
import { type Config, loadConfig } from '../src/config.ts';

export const testSecret = 'a-secret-of-the-tests-with-32-characters';

export function configOf(settings: Record<string, string> = {}): Config {
  return loadConfig({ JWT_SECRET_KEY: testSecret, ...settings });
}
