"""What becomes of every option of fairseq's commands: heeded, refused by name, or without effect.

fairseq's parsers offer most options of a training to every command: where an option has no effect, it is one of a
training, its logs and checkpoints, or of how fairseq lays out memory. What the task, the model, the criterion, the
optimizer and the schedule declare is theirs; ours of every training are in `training_options`. A test goes over the
parsers, so that none is forgotten.
"""

from __future__ import annotations

from mtdeep.fairseq_plugin.fairseq_options.option import Option, Use, heeded

_SHARES = "it belongs to fairseq-generate and fairseq-eval-lm; leave it out, or share with --distributed-world-size"
_ORDER = "the order of a store's batches follows from --seed alone; leave it out"
_FEWER_CLASSES = "mtdeep's layers are not of the classes that it needs; leave it out"
_ONE_DEVICE = "it is for models that are cut over several devices, and ours is loaded whole; leave it out"
_PRINTED = "the figures are printed; leave it out, and keep the output"
_ONE_SPLIT = "name the splits in --valid-subset, separated by commas"
_FLOAT = "without --fp16 a checkpoint is evaluated in float32; leave it out"
_TRAINING = "it belongs to a training; leave it out"
_READS_GEN_SUBSET = "fairseq-eval-lm reads --gen-subset"
_ALL_AT_ONCE = "it is for models that write all tokens at once; leave it out"
_NO_REFERENCES = "it needs references, and typed text has none; leave it out"
_ONLY_GENERATE = "it is fairseq-generate's; leave it out"

#: fairseq hands constraints to the task, whoever asked for them.
CONSTRAINTS = Option(
    "generation.constraints",
    refused={Use.TRANSLATE: "the task many_to_many_translation does not support it; leave it out"},
)

_PARTS = (
    Option("task", Use.ANY),
    *(Option(part, Use.TRAIN) for part in ("arch", "criterion", "optimizer", "lr_scheduler")),
    *(Option(part, Use.TRANSLATE) for part in ("tokenizer", "bpe")),
    Option("scoring", Use.GENERATE, {Use.INTERACTIVE: _NO_REFERENCES}),
)

_COMMON = (
    *heeded(Use.ANY, "common", "no_progress_bar log_interval log_format user_dir seed cpu fp16 memory_efficient_fp16"),
    Option("common.bf16", Use.TRAIN | Use.TRANSLATE, {Use.EVALUATE: _FLOAT}),
    Option("common.memory_efficient_bf16", Use.TRAIN | Use.TRANSLATE),  # the parsers say --bf16 for it, too
    Option(
        "common.amp",
        Use.TRAIN,
        {Use.EVALUATE: _FLOAT, Use.TRANSLATE: "it is for training; give --fp16 or --bf16, or neither"},
    ),
    Option("common.tpu", Use.TRAIN, {Use.TRANSLATE: "it is not supported; leave it out"}),
    *(
        Option(f"common.{name}", Use.TRAIN, {Use.READ: _TRAINING})
        for name in ("log_file", "tensorboard_logdir", "wandb_project", "aim_repo", "azureml_logging")
    ),
    Option("common.model_parallel_size", Use.TRAIN, {Use.TRAIN_MODEL: _FEWER_CLASSES, Use.TRANSLATE: _ONE_DEVICE}),
    Option(
        "common.quantization_config_path",
        Use.TRAIN,
        {Use.TRAIN_MODEL: _FEWER_CLASSES, Use.TRANSLATE: "it is for training; leave it out"},
    ),
    *heeded(Use.TRAIN | Use.VALIDATE, "common", "all_gather_list_size"),
    *heeded(Use.TRAIN | Use.EVALUATE, "common", "use_plasma_view plasma_path"),
    *heeded(
        Use.TRAIN,
        "common",
        """
        aim_run_hash fp16_no_flatten_grads fp16_init_scale fp16_scale_window fp16_scale_tolerance
        on_cpu_convert_precision min_loss_scale threshold_loss_scale amp_batch_retries amp_init_scale amp_scale_window
        empty_cache_freq profile reset_logging suppress_crashes
        """,
    ),
)

_DISTRIBUTED_TRAINING = (
    # One process translates: `generation.checks.check_process` refuses more, and says how to share the work.
    Option(
        "distributed_training.distributed_world_size",
        Use.TRAIN | Use.VALIDATE | Use.TRANSLATE,
        {
            Use.EVAL_LM: "each process would print the figures of its own share; leave it out, or score shares with "
            "--num-shards and --shard-id"
        },
    ),
    Option("distributed_training.distributed_num_procs", unread="--distributed-world-size is the number of processes"),
    Option("distributed_training.fast_stat_sync", unread="each criterion says how its figures are summed"),
    Option("distributed_training.fix_batches_to_gpus", Use.TRAIN, {Use.TRAIN_STORE: _ORDER}),
    Option(
        "distributed_training.pipeline_model_parallel",
        Use.TRAIN | Use.EVAL_LM,
        {Use.TRAIN_MODEL: _FEWER_CLASSES, Use.TRANSLATE: _ONE_DEVICE},
    ),
    *heeded(Use.TRAIN | Use.EVALUATE, "distributed_training", "device_id distributed_rank"),
    *heeded(
        Use.TRAIN | Use.VALIDATE,
        "distributed_training",
        "distributed_backend distributed_init_method distributed_port distributed_no_spawn nprocs_per_node",
    ),
    *heeded(
        Use.TRAIN,
        "distributed_training",
        """
        ddp_backend ddp_comm_hook bucket_cap_mb find_unused_parameters gradient_as_bucket_view heartbeat_timeout
        broadcast_buffers slowmo_momentum slowmo_base_algorithm localsgd_frequency zero_sharding
        no_reshard_after_forward fp32_reduce_scatter cpu_offload use_sharded_state not_fsdp_flatten_parameters
        pipeline_balance pipeline_devices pipeline_chunks pipeline_encoder_balance pipeline_encoder_devices
        pipeline_decoder_balance pipeline_decoder_devices pipeline_checkpoint
        """,
    ),
)

_DATASET = (
    *heeded(Use.ANY, "dataset", "num_workers data_buffer_size max_tokens batch_size"),
    *heeded(
        Use.TRAIN | Use.VALIDATE | Use.TRANSLATE,
        "dataset",
        "skip_invalid_size_inputs_valid_test required_batch_size_multiple",
    ),
    Option("dataset.max_tokens_valid", Use.TRAIN, {Use.READ: "here it is --max-tokens"}),
    Option("dataset.batch_size_valid", Use.TRAIN, {Use.READ: "here it is --batch-size"}),
    Option("dataset.max_valid_steps", Use.TRAIN, {Use.READ: "the whole split is read; leave it out"}),
    *heeded(
        Use.TRAIN,
        "dataset",
        """
        train_subset ignore_unused_valid_subsets validate_interval validate_interval_updates validate_after_updates
        fixed_validation_seed disable_validation
        """,
    ),
    Option("dataset.valid_subset", Use.TRAIN | Use.VALIDATE, {Use.EVAL_LM: _READS_GEN_SUBSET}),
    Option(
        "dataset.combine_valid_subsets",
        Use.TRAIN,
        {Use.TRAIN_STORE | Use.VALIDATE: _ONE_SPLIT, Use.EVAL_LM: _READS_GEN_SUBSET},
    ),
    Option(
        "dataset.gen_subset",
        Use.EVAL_LM | Use.GENERATE,
        {
            Use.VALIDATE: "fairseq-validate reads --valid-subset",
            Use.INTERACTIVE: "it is fairseq-generate's; give the text with --input, or on standard input",
        },
    ),
    *(
        Option(
            f"dataset.{name}",
            Use.EVAL_LM | Use.GENERATE,
            {Use.TRAIN | Use.VALIDATE: _SHARES, Use.INTERACTIVE: _ONLY_GENERATE},
        )
        for name in ("num_shards", "shard_id")
    ),
    *(
        Option(f"dataset.{name}", Use.TRAIN, {Use.TRAIN_STORE: _ORDER})
        for name in ("curriculum", "grouped_shuffling", "update_epoch_batch_itr", "update_ordered_indices_seed")
    ),
    Option(
        "dataset.required_seq_len_multiple",
        Use.TRAIN | Use.VALIDATE,
        {Use.TRAIN_STORE: "a store's batches are as long as their longest sentence; leave it out"},
    ),
    Option(
        "dataset.dataset_impl",
        Use.TRAIN | Use.EVALUATE,
        {Use.TRAIN_STORE: "a store has a form of its own; leave it out"},
    ),
)

_OPTIMIZATION = (
    *heeded(
        Use.TRAIN,
        "optimization",
        """
        max_epoch max_update stop_time_hours clip_norm sentence_avg update_freq lr stop_min_lr use_bmuf
        skip_remainder_batch
        """,
    ),
    *heeded(Use.TRAIN, "ema", "store_ema ema_decay ema_start_update ema_seed_model ema_update_freq ema_fp32"),
)

_CHECKPOINT = (
    Option("checkpoint.checkpoint_suffix", Use.TRAIN | Use.TRANSLATE),
    Option("checkpoint.checkpoint_shard_count", Use.TRAIN, {Use.TRANSLATE: _ONE_DEVICE}),
    Option(
        "checkpoint.write_checkpoints_asynchronously",
        refused={Use.TRAIN: "fairseq would write one file of a save, and leave out checkpoint_last.pt; leave it out"},
    ),
    *heeded(
        Use.TRAIN,
        "checkpoint",
        """
        save_dir restore_file continue_once finetune_from_model reset_dataloader reset_lr_scheduler reset_meters
        reset_optimizer optimizer_overrides save_interval save_interval_updates keep_interval_updates
        keep_interval_updates_pattern keep_last_epochs keep_best_checkpoints no_save no_epoch_checkpoints
        no_last_checkpoints no_save_optimizer_state best_checkpoint_metric maximize_best_checkpoint_metric patience
        load_checkpoint_on_all_dp_ranks
        """,
    ),
)

_EVALUATION = (
    *heeded(Use.READ, "common_eval", "path model_overrides"),
    Option(
        "common_eval.post_process",
        Use.EVAL_LM | Use.TRANSLATE,
        {Use.VALIDATE: "fairseq-validate prints no text; leave it out"},
    ),
    # fairseq-validate and fairseq-eval-lm print nothing else than what it leaves.
    Option("common_eval.quiet", Use.GENERATE, {Use.INTERACTIVE: "it would leave nothing to print; leave it out"}),
    Option(
        "common_eval.results_path",
        Use.GENERATE,
        {Use.EVALUATE: _PRINTED, Use.INTERACTIVE: "it is fairseq-generate's; redirect the output instead"},
    ),
    *heeded(Use.EVAL_LM, "eval_lm", "output_word_probs output_word_stats context_window softmax_batch"),
)

_GENERATION = (
    *heeded(
        Use.TRANSLATE,
        "generation",
        """
        beam nbest max_len_a max_len_b min_len match_source_len unnormalized lenpen unkpen no_repeat_ngram_size
        temperature sampling sampling_topk sampling_topp diverse_beam_groups diverse_beam_strength diversity_rate
        print_alignment replace_unk retain_dropout no_seed_provided
        """,
    ),
    *(
        Option(f"generation.{name}", Use.GENERATE, {Use.INTERACTIVE: _NO_REFERENCES})
        for name in ("sacrebleu", "score_reference", "prefix_size")
    ),
    *heeded(Use.INTERACTIVE, "interactive", "buffer_size input"),
    Option("generation.no_early_stop", unread="--unnormalized and --lenpen say how hypotheses compare"),
    Option("generation.no_beamable_mm"),  # another way to the same product
    CONSTRAINTS,
    Option(
        "generation.lm_path",
        refused={Use.TRANSLATE: "fairseq cannot open a language model on a store; leave it out"},
    ),
    Option(
        "generation.lm_weight",
        refused={Use.TRANSLATE: "it belongs to --lm-path, which is not supported; leave it out"},
    ),
    Option(
        "generation.retain_dropout_modules",
        refused={Use.TRANSLATE: "it names modules of fairseq's own models; leave it out, and all is retained"},
    ),
    Option("generation.eos_token", refused={Use.TRANSLATE: "it is for speech; leave it out"}),
    *(
        Option(f"generation.{name}", refused={Use.TRANSLATE: _ALL_AT_ONCE})
        for name in (
            "print_step",
            "iter_decode_eos_penalty",
            "iter_decode_max_iter",
            "iter_decode_force_max_iter",
            "iter_decode_with_beam",
            "iter_decode_with_external_reranker",
            "retain_iter_history",
            "decoding_format",
        )
    ),
)

#: Every option once.
OPTIONS = (
    *_PARTS,
    *_COMMON,
    *_DISTRIBUTED_TRAINING,
    *_DATASET,
    *_OPTIMIZATION,
    *_CHECKPOINT,
    *_EVALUATION,
    *_GENERATION,
)
