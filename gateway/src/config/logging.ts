// What is logged and counted.
import { Type } from 'typebox';

export const loggingSettings = {
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
  METRICS_AUTH_REQUIRED: Type.Boolean({ default: true, description: 'ask for a token on /metrics too' }),
};
