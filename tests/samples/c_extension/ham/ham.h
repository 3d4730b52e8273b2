int ham(void);
