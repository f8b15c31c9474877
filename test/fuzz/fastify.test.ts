import { describe } from '@jest/globals';
import { withstandsHostileRequests } from './hostile-campaign.js';

describe('an application on fastify under attack', () =>
  withstandsHostileRequests({ platform: 'fastify', share: 0.45 }));
